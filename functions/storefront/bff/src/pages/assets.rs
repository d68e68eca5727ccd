use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use onecommit_http::ApiError;

const STYLE: &str = include_str!("../../assets/shop.css");
const SCRIPT: &str = include_str!("../../assets/shop.js");
const ICON: &str = include_str!("../../assets/shop.svg");

/// `GET /assets/{name}`: what the pages need besides themselves, and nothing from elsewhere.
pub(super) async fn show(Path(name): Path<String>) -> Result<Response, ApiError> {
    let (kind, text) = match name.as_str() {
        "shop.css" => ("text/css; charset=utf-8", STYLE),
        "shop.js" => ("text/javascript; charset=utf-8", SCRIPT),
        "shop.svg" => ("image/svg+xml", ICON),
        _ => return Err(ApiError::not_found("notFound", "nothing exists at this path")),
    };
    let headers = [(CONTENT_TYPE, kind), (CACHE_CONTROL, "public, max-age=300")];
    Ok((headers, text).into_response())
}
