mod api;
mod expiry;
mod handlers;
mod product;
mod reader;
mod reservation;
mod row;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use onecommit_engine::{Consumer, EventLog, RetryingWrites, Table, Tables};
use onecommit_environment::Environment;
use onecommit_http::openapi;

use crate::{OrderConfirmed, ReleaseInventory, ReserveInventory};

pub use crate::service::expiry::{EXPIRE_RESERVATIONS, Expired};
pub use crate::service::reader::{ProductReader, ShownProduct};
pub use crate::service::row::RowError;

use crate::service::handlers::{Confirm, Release, Reserve};
#[cfg(feature = "grpc")]
pub(crate) use crate::service::product::Product;

/// The name under which the ledger remembers what this context handled.
pub const NAME: &str = "catalog";

/// The context: its table, its streams, and how long a reservation holds.
#[derive(Clone)]
pub struct Catalog {
    tables: Arc<dyn Tables>,
    table: Table,
    log: EventLog,
    environment: Environment,
    hold_for: Duration,
}

impl Catalog {
    /// The catalog in `table`, whose key is `pk` and `sk`, with its indexes `category` and `expiring`.
    #[must_use]
    pub fn new(tables: Arc<dyn Tables>, table: Table, log: EventLog, environment: Environment) -> Self {
        Self {
            tables: Arc::new(RetryingWrites::of(tables, environment.clone())),
            table,
            log,
            environment,
            hold_for: Duration::from_secs(2 * 86_400),
        }
    }

    /// How long a reservation holds stock without a confirmed order: two days if it is not said.
    ///
    /// Whoever does not want the stock releases it. The time is for reservations that were forgotten, so it is longer than
    /// any order takes, an outage of a day included: nobody's stock is given away because messages could not travel.
    #[must_use]
    pub fn holding_for(mut self, hold_for: Duration) -> Self {
        self.hold_for = hold_for;
        self
    }

    /// The consumer of `ReserveInventory`, `ReleaseInventory` and `OrderConfirmed`. It appends to streams
    /// `Reservation#<orderId>` only.
    #[must_use]
    pub fn consumer(&self) -> Consumer {
        Consumer::named(NAME)
            .atomic::<ReserveInventory, _>(Reserve::new(self.clone()))
            .atomic::<ReleaseInventory, _>(Release::new(self.clone()))
            .atomic::<OrderConfirmed, _>(Confirm::new(self.clone()))
    }

    /// What reads products.
    pub(crate) fn reader(&self) -> ProductReader {
        ProductReader::new(self.tables.clone(), self.table.clone())
    }

    /// The API below `/catalog`. What it answers is in `docs/storefront.md`.
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
    openapi::described("catalog", &<api::Described as utoipa::OpenApi>::openapi())
}
