use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::Outside;

/// Products by their code, each with the number of its version.
#[derive(Default)]
pub(crate) struct Catalog {
    products: BTreeMap<String, (u64, String)>,
    version: u64,
}

impl Catalog {
    pub(crate) fn put(&mut self, code: String, product: String) {
        self.version += 1;
        self.products.insert(code, (self.version, product));
    }
}

pub(crate) fn router() -> Router<Outside> {
    Router::new().route("/products/{product_code}", get(product))
}

async fn product(State(outside): State<Outside>, Path(code): Path<String>, headers: HeaderMap) -> Response {
    let known = outside.state().catalog.products.get(&code).cloned();
    let Some((version, product)) = known else {
        return (StatusCode::NOT_FOUND, "{}").into_response();
    };
    let etag = format!("\"{version}\"");
    if headers.get("if-none-match").is_some_and(|known| known == etag.as_str()) {
        return (StatusCode::NOT_MODIFIED, [("etag", etag)]).into_response();
    }
    (
        [("content-type", "application/json".to_owned()), ("etag", etag)],
        product,
    )
        .into_response()
}
