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
        .fallback(async || ApiError::not_found("notFound", "nothing exists at this path"))
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
        text => without_values(status, &text),
    };
    let mut response = ApiError::new(status, code_of(status), message).into_response();
    if let Some(allowed) = allowed {
        response.headers_mut().insert(ALLOW, allowed);
    }
    response
}

/// What an extractor says, without what the caller wrote: of a query, the parameter that is wrong.
fn without_values(status: StatusCode, text: &str) -> String {
    let of_query = text.strip_prefix("Failed to deserialize query string: ");
    let problem = of_query.map(|problem| problem.split_once(": ").unwrap_or(("", problem)));
    match problem {
        Some((_, missing)) if missing.starts_with("missing field") => format!("the query: {missing}"),
        Some((parameter, _)) if !parameter.is_empty() => format!("{parameter}: the value is not accepted"),
        Some(_) => "the query is not accepted".to_owned(),
        None if text.starts_with("Invalid URL") => "the path is not accepted".to_owned(),
        None => match status.canonical_reason() {
            Some(reason) => reason.to_lowercase(),
            None => "the request failed".to_owned(),
        },
    }
}

fn is_json(response: &Response) -> bool {
    let content_type = response.headers().get(CONTENT_TYPE);
    let is_of = |kind: &[u8]| content_type.is_some_and(|content_type| content_type.as_bytes().starts_with(kind));
    is_of(b"application/json") || is_of(b"application/problem+json")
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
