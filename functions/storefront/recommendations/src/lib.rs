//! Recommendations: what customers also bought. It has no tables of its own; it shows the views `also-bought` and
//! `orders-by-customer` of orders, and always a generation of each that is whole.

mod api;
mod for_customer;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use onecommit_engine::TableReader;
use onecommit_http::openapi;
use onecommit_views::{InvalidViewName, ViewControl, ViewName, ViewReader};
use storefront_views::{AlsoBoughtView, OrdersByCustomerView};

pub use api::COUNT_MAX;

/// Recommendations from the views of orders.
#[derive(Clone)]
pub struct Recommendations(Arc<Inner>);

struct Inner {
    rows: Arc<dyn TableReader>,
    also_bought: ViewReader,
    orders: ViewReader,
}

impl Recommendations {
    /// From the views that `control` knows, read through `rows`. Which generations serve is looked up again
    /// when what is known is older than `refresh`.
    ///
    /// # Errors
    /// Never, as long as the views' names are names.
    pub fn new(rows: Arc<dyn TableReader>, control: ViewControl, refresh: Duration) -> Result<Self, InvalidViewName> {
        let also_bought = ViewReader::new(ViewName::new(AlsoBoughtView::NAME)?, control, refresh);
        let orders = also_bought.beside(ViewName::new(OrdersByCustomerView::NAME)?);
        Ok(Self(Arc::new(Inner {
            rows,
            also_bought,
            orders,
        })))
    }

    /// The API: `GET /recommendations/{sku}` and `GET /recommendations?customerId=`.
    pub fn api(&self) -> Router {
        api::router(self.clone()).merge(openapi::served(OPENAPI))
    }
}

/// The description of the API in OpenAPI 3.1, as it is served. `make openapi` writes it anew.
const OPENAPI: &str = include_str!("../openapi.json");

/// The same, from the code.
///
/// # Errors
/// Never, as long as a description is JSON.
#[cfg(feature = "openapi")]
pub fn openapi() -> Result<serde_json::Value, serde_json::Error> {
    openapi::described("recommendations", &<api::Described as utoipa::OpenApi>::openapi())
}

impl std::fmt::Debug for Recommendations {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Recommendations").finish_non_exhaustive()
    }
}
