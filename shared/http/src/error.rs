use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use onecommit_engine::DatabaseError;
use serde_json::json;
use tracing::{error, warn};

/// Why a request was not carried out: a status, a code for programs, and words for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl ApiError {
    /// Any status. `code` is in camelCase and stays the same as long as the API does.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    /// 400: the request is not valid, and will not be when it is sent again.
    pub fn invalid(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 404: there is no such thing.
    pub fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
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
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = Json(json!({"error": self.code, "message": self.message}));
        (self.status, body).into_response()
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
