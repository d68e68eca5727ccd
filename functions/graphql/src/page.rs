//! A page to try queries out, for the stage `local`. All of it comes with the binary, and nothing from elsewhere.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

const PAGE: &str = include_str!("../assets/graphiql.html");
const STYLE: &str = include_str!("../assets/graphiql.css");
const SCRIPT: &str = include_str!("../assets/graphiql.js");

/// Scripts and styles of this site alone, none within the page; nobody puts it into a frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; \
                      frame-ancestors 'none'; base-uri 'none'";

/// `GET /graphiql`, and what the page needs besides.
pub(crate) fn router() -> Router {
    Router::new()
        .route("/graphiql", get(async || shown("text/html; charset=utf-8", PAGE)))
        .route("/graphiql/{name}", get(asset))
}

async fn asset(Path(name): Path<String>) -> Response {
    match name.as_str() {
        "graphiql.css" => shown("text/css; charset=utf-8", STYLE),
        "graphiql.js" => shown("text/javascript; charset=utf-8", SCRIPT),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn shown(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (CONTENT_TYPE, kind),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, text).into_response()
}
