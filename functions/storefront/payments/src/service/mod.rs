mod api;
mod handlers;
mod local_provider;
mod provider;
mod row;

use std::sync::Arc;

use axum::Router;
use onecommit_engine::{Consumer, Table, TableReader};
use onecommit_http::openapi;

use crate::{CapturePayment, ProviderAnswered, RefundPayment};

pub use crate::service::local_provider::{Behaviour, LocalProvider, Towards};
pub use crate::service::provider::{Found, PaymentProvider, ProviderError, VoidAnswer};

/// The context: its table and its provider.
#[derive(Clone)]
pub struct Payments {
    rows: Arc<dyn TableReader>,
    table: Table,
    provider: Arc<dyn PaymentProvider>,
}

impl Payments {
    /// Payments in `table`, whose key is `paymentId`, with their money taken by `provider`.
    #[must_use]
    pub fn new(rows: Arc<dyn TableReader>, table: Table, provider: Arc<dyn PaymentProvider>) -> Self {
        Self { rows, table, provider }
    }

    /// A consumer of this name for the context's commands and the provider's late answers. It appends to streams
    /// `Payment#...`.
    #[must_use]
    pub fn consumer(&self, name: impl Into<String>) -> Consumer {
        Consumer::named(name)
            .keyed::<CapturePayment, _>(self.clone())
            .keyed::<RefundPayment, _>(self.clone())
            .keyed::<ProviderAnswered, _>(self.clone())
    }

    /// `GET /payments/{paymentId}` and `GET /payments?orderId=`.
    pub fn api(&self) -> Router {
        api::router(self.clone()).merge(openapi::served(OPENAPI))
    }
}

/// The description of the API in OpenAPI 3.1, as it is served. `make openapi` writes it anew.
const OPENAPI: &str = include_str!("../../openapi.json");

/// The same, from the code.
///
/// # Errors
/// Never, as long as a description is JSON.
#[cfg(feature = "openapi")]
pub fn openapi() -> Result<serde_json::Value, serde_json::Error> {
    openapi::described("payments", &<api::Described as utoipa::OpenApi>::openapi())
}
