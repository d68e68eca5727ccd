//! What the storefront's people and pages ask of the catalog.

mod products;
mod reservations;
mod stock;

use axum::Router;
use axum::routing::{get, put};
use onecommit_http::ApiError;
use tracing::error;

use crate::Catalog;
use crate::Sku;
use crate::service::row::{ReadError, RowError};

/// The routes of this API, for its description.
#[cfg(feature = "openapi")]
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    products::categories,
    products::list,
    products::show,
    products::describe,
    products::price,
    stock::show,
    stock::add,
    reservations::show
))]
pub(crate) struct Described;

pub(crate) fn router(catalog: Catalog) -> Router {
    Router::new()
        .route("/catalog/categories", get(products::categories))
        .route("/catalog/products", get(products::list))
        .route("/catalog/products/{sku}", get(products::show).put(products::describe))
        .route("/catalog/products/{sku}/price", put(products::price))
        .route("/catalog/products/{sku}/stock", get(stock::show).post(stock::add))
        .route("/catalog/reservations/{orderId}", get(reservations::show))
        .with_state(catalog)
}

fn sku_of(text: String) -> Result<Sku, ApiError> {
    Sku::new(text).map_err(|error| ApiError::invalid("invalidSku", error.to_string()))
}

fn unknown_product() -> ApiError {
    ApiError::not_found("unknownProduct", "there is no such product")
}

impl From<RowError> for ApiError {
    fn from(error: RowError) -> Self {
        error!(error = %error, "row cannot be read");
        Self::internal()
    }
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Database(error) => error.into(),
            ReadError::Row(error) => error.into(),
        }
    }
}
