use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;

/// `GET /openapi.json`: the description of an API, as it was committed.
pub fn served(description: &'static str) -> Router {
    let answer = move || async move { ([(CONTENT_TYPE, "application/json")], description) };
    Router::new().route("/openapi.json", get(answer))
}
