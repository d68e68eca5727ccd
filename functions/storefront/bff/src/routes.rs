use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Response;

use crate::api;
use crate::bff::Bff;
use crate::pages;
use crate::request::correlated;

/// The most bytes of a request's body. The largest order has 50 lines.
const BODY_BYTES_MAX: usize = 64 * 1024;

impl Bff {
    /// The API and the pages. Every error of the API is JSON, and what a page has to say is a page.
    pub fn router(&self) -> Router {
        let api = api::router().merge(pages::router()).with_state(self.clone());
        let health = self.services().health(self.environment()).router();
        onecommit_http::json_errors(api.merge(health))
            .layer(map_response(private))
            .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
            .layer(from_fn_with_state(self.clone(), correlated))
    }
}

/// What is answered is one person's, so nobody keeps it.
async fn private(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
