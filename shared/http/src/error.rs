use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use onecommit_engine::DatabaseError;
use serde_json::{Map, Value};
use tracing::{error, warn};

/// The media type of every error (RFC 9457).
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Why a request was not carried out: a status, a code for programs, and words for people.
///
/// It is answered as RFC 9457 has it, `application/problem+json` with `type`, `title`, `status`, `detail` and, inside of
/// [`json_errors`](crate::json_errors), `instance`; beside them `error` is the code and `message` the same words as `detail`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    members: Vec<(&'static str, Value)>,
}

impl ApiError {
    /// Any status. `code` is in camelCase and stays the same as long as the API does.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            members: Vec::new(),
        }
    }

    /// With one more member in the body, for programs. The members that every error has cannot be replaced.
    #[must_use]
    pub fn with(mut self, member: &'static str, value: impl Into<Value>) -> Self {
        self.members.push((member, value.into()));
        self
    }

    /// 400: the request is not valid, and will not be when it is sent again.
    pub fn invalid(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 404: there is no such thing.
    pub fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// 412: what is there has another version than the request demands, so somebody else changed it.
    #[must_use]
    pub fn version_mismatch() -> Self {
        let message = "this has another version than the request demands; read it and decide anew";
        Self::new(StatusCode::PRECONDITION_FAILED, "versionMismatch", message)
    }

    /// 409: it contradicts what is there.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    /// 503: not now; the same request may be sent again.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
    }

    /// 500: a fault of ours. Callers are told nothing of it, so log what it was.
    #[must_use]
    pub fn internal() -> Self {
        let message = "the request failed; the log has the reason";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The code for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The words for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The body of the answer. `instance` is where the error happened: a path without what callers write into it.
    #[must_use]
    pub fn to_problem(&self, instance: Option<&str>) -> Value {
        let mut problem: Map<String, Value> = self
            .members
            .iter()
            .map(|(name, value)| ((*name).into(), value.clone()))
            .collect();
        let own: [(&str, Value); 6] = [
            ("type", "about:blank".into()),
            ("title", self.status.canonical_reason().unwrap_or("Error").into()),
            ("status", self.status.as_u16().into()),
            ("detail", self.message.as_str().into()),
            ("error", self.code.into()),
            ("message", self.message.as_str().into()),
        ];
        problem.extend(own.map(|(name, value)| (name.to_owned(), value)));
        if let Some(instance) = instance {
            problem.insert("instance".to_owned(), instance.into());
        }
        Value::Object(problem)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.to_problem(None).to_string()));
        *response.status_mut() = self.status;
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        // `json_errors` knows the path and writes the body anew.
        response.extensions_mut().insert(self);
        response
    }
}

/// A database that does not answer is worth another request later. What else it refuses is a fault of ours: a condition
/// that a caller can do something about is told apart before.
impl From<DatabaseError> for ApiError {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Transient(kind, source) => {
                warn!(?kind, error = %source, "database did not answer an API request");
                Self::unavailable("the database is not available; send the same request again")
            }
            DatabaseError::Cancelled(_) | DatabaseError::Rejected(_) | DatabaseError::Misconfigured(_) => {
                error!(error = %error, "database rejected an API request");
                Self::internal()
            }
        }
    }
}
