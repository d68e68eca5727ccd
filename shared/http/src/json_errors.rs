use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::Response;

use crate::error::{ApiError, PROBLEM_JSON};

/// The most bytes of an error in plain text that are read: the router writes one line.
const TEXT_BYTES_MAX: usize = 4 * 1024;

/// The router, with each of its own errors as `application/problem+json`: unknown paths and methods, bodies and queries that
/// its extractors refuse. An [`ApiError`] is given its `instance`; other errors that are JSON already stay as they are, and so do pages
/// for people.
pub fn json_errors(router: Router) -> Router {
    // Layers wrap only routes and fallbacks that are there already.
    router
        .fallback(async || ApiError::not_found("notFound", "nothing exists at this path"))
        .layer(from_fn(as_problem))
}

async fn as_problem(request: Request, next: Next) -> Response {
    let instance = request.extensions().get::<MatchedPath>().map(start_of_route);
    let response = next.run(request).await;
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let error = match parts.extensions.remove::<ApiError>() {
        Some(error) => error,
        None if is_written(&parts.headers) => return Response::from_parts(parts, body),
        None => of_text(status, &to_bytes(body, TEXT_BYTES_MAX).await.unwrap_or_default()),
    };
    parts.headers.remove(CONTENT_LENGTH);
    parts
        .headers
        .insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    let problem = error.to_problem(instance.as_deref());
    Response::from_parts(parts, Body::from(problem.to_string()))
}

/// The route up to its first parameter: it says where without what the caller wrote.
fn start_of_route(path: &MatchedPath) -> String {
    let start = path.as_str().split('{').next().unwrap_or_default();
    match start.trim_end_matches('/') {
        "" => "/".to_owned(),
        start => start.to_owned(),
    }
}

fn of_text(status: StatusCode, text: &[u8]) -> ApiError {
    let message = match String::from_utf8_lossy(text).into_owned() {
        text if text.is_empty() => status.canonical_reason().unwrap_or("the request failed").to_lowercase(),
        text => without_values(status, &text),
    };
    ApiError::new(status, code_of(status), message)
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

/// Whether an error is in a form that is for its readers already.
fn is_written(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = content_type
        .and_then(|value| value.split(';').next())
        .unwrap_or_default()
        .trim();
    // The suffix of every form that is JSON (RFC 6839): problem+json, graphql-response+json.
    kind == "application/json" || kind == "text/html" || kind.ends_with("+json")
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
