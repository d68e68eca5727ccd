use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{Response as HttpResponse, StatusCode};
use axum::response::Response;
use onecommit_tokens::Refusal;
use serde_json::json;

/// A refusal as RFC 9457 writes it, with the two fields that every error of an API here has, and `WWW-Authenticate` for this
/// `realm`, the name of the API. For routers that find out by themselves who calls.
#[must_use]
pub fn problem_of(refusal: &Refusal, realm: &str) -> Response {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::UNAUTHORIZED);
    let body = json!({
        "type": "about:blank", "title": status.canonical_reason(), "status": status.as_u16(),
        "error": refusal.code(), "message": refusal.to_string(),
    });
    let mut response = HttpResponse::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    let authenticate = refusal.www_authenticate(realm);
    match authenticate.and_then(|value| HeaderValue::from_str(&value).ok()) {
        Some(value) => headers.insert(WWW_AUTHENTICATE, value),
        None => headers.insert(RETRY_AFTER, HeaderValue::from_static("1")),
    };
    response
}
