use axum::Router;
use axum::body::to_bytes;
use axum::http::StatusCode;
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};

use crate::error::ApiError;

/// The most bytes of an error in plain text that are read: the router writes one line.
const TEXT_BYTES_MAX: usize = 4 * 1024;

/// The router, with each of its own errors as JSON: unknown paths and methods, bodies and queries that its extractors
/// refuse. Errors that are JSON already stay as they are.
pub fn json_errors(router: Router) -> Router {
    // Layers wrap only routes and fallbacks that are there already.
    router
        .fallback(async || ApiError::not_found("notFound", "there is nothing at this path"))
        .layer(map_response(as_json))
}

async fn as_json(response: Response) -> Response {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_error || is_json(&response) {
        return response;
    }
    let allowed = response.headers().get(ALLOW).cloned();
    let text = to_bytes(response.into_body(), TEXT_BYTES_MAX).await.unwrap_or_default();
    let message = match String::from_utf8_lossy(&text).into_owned() {
        text if text.is_empty() => status.canonical_reason().unwrap_or("the request failed").to_lowercase(),
        text => text,
    };
    let mut response = ApiError::new(status, code_of(status), message).into_response();
    if let Some(allowed) = allowed {
        response.headers_mut().insert(ALLOW, allowed);
    }
    response
}

fn is_json(response: &Response) -> bool {
    let content_type = response.headers().get(CONTENT_TYPE);
    content_type.is_some_and(|content_type| content_type.as_bytes().starts_with(b"application/json"))
}

fn code_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "badRequest",
        StatusCode::NOT_FOUND => "notFound",
        StatusCode::METHOD_NOT_ALLOWED => "methodNotAllowed",
        StatusCode::PAYLOAD_TOO_LARGE => "payloadTooLarge",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupportedMediaType",
        StatusCode::UNPROCESSABLE_ENTITY => "invalidBody",
        status if status.is_client_error() => "refused",
        _ => "internal",
    }
}
