use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use onecommit_json::JsonError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// A request's body, and an answer's, as JSON. It takes the place of axum's, whose serde takes lists for objects and of
/// copies of a field now the first, now none.
///
/// A body that is not JSON is 400. One with something else than the type expects is 422, and so is one with a field written
/// twice or with what no event could carry; the message begins with the field.
#[derive(Clone, Copy, Debug, Default)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        if !is_json(&request) {
            let message = "the body has to be JSON, with the header content-type: application/json";
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(ApiError::new(status, "unsupportedMediaType", message).into_response());
        }
        // Its own refusals (a body that is too large, or breaks off) keep their status.
        let body = Bytes::from_request(request, state).await;
        let body = body.map_err(IntoResponse::into_response)?;
        let body = std::str::from_utf8(&body)
            .map_err(|_| ApiError::invalid("badRequest", "the body is not UTF-8").into_response())?;
        let read = onecommit_json::from_request(body);
        read.map(Self).map_err(|error| ApiError::from(error).into_response())
    }
}

/// `application/json`, or something that is written in it, such as `application/merge-patch+json`.
fn is_json(request: &Request) -> bool {
    let value = request.headers().get(CONTENT_TYPE);
    let text = value.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

impl From<JsonError> for ApiError {
    fn from(error: JsonError) -> Self {
        match error.is_syntax() {
            true => Self::invalid("badRequest", format!("the body is not JSON: {error}")),
            false => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalidBody", error.to_string()),
        }
    }
}
