use axum::http::StatusCode;
use axum::http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
use onecommit_http::ApiError;
use onecommit_tokens::Refusal;

/// A refusal as every API here writes its errors, with the headers of RFC 6750.
pub(crate) fn problem_of(refusal: &Refusal, realm: &str) -> Response {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::UNAUTHORIZED);
    let mut response = ApiError::new(status, refusal.code(), refusal.to_string()).into_response();
    let headers = response.headers_mut();
    let authenticate = refusal.www_authenticate(realm);
    match authenticate.and_then(|value| HeaderValue::from_str(&value).ok()) {
        Some(value) => headers.insert(WWW_AUTHENTICATE, value),
        None => headers.insert(RETRY_AFTER, HeaderValue::from_static("1")),
    };
    response
}
