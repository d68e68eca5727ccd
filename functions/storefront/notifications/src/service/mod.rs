mod api;
mod by_channel;
mod handlers;
mod private;
mod rows;

use std::sync::Arc;

use axum::Router;
use onecommit_engine::{Consumer, RetryingWrites, Table, Tables};
use onecommit_environment::Environment;
use onecommit_http::openapi;
use onecommit_sealing::Sealer;

use crate::{Courier, DeliveryDue, NotifyCustomer, UserPreferencesChanged};

pub use crate::service::by_channel::ByChannel;

/// The context: its table and its couriers.
#[derive(Clone)]
pub struct Notifications {
    tables: Arc<dyn Tables>,
    table: Table,
    courier: Arc<dyn Courier>,
    sealer: Arc<Sealer>,
    environment: Environment,
}

impl Notifications {
    /// Notifications in `table`, whose keys are `pk` and `sk`, delivered by `courier`. Where customers are reached and what they
    /// are told lies there as `sealer` seals it, for the subjects `User#...`.
    #[must_use]
    pub fn new(
        tables: Arc<dyn Tables>,
        table: Table,
        courier: Arc<dyn Courier>,
        sealer: Arc<Sealer>,
        environment: Environment,
    ) -> Self {
        Self {
            tables: Arc::new(RetryingWrites::of(tables, environment.clone())),
            table,
            courier,
            sealer,
            environment,
        }
    }

    /// A consumer of this name for the context's command, its deliveries, and what users prefer. It appends to streams
    /// `Notification#...`.
    #[must_use]
    pub fn consumer(&self, name: impl Into<String>) -> Consumer {
        let table = self.table.clone();
        Consumer::named(name)
            .atomic::<NotifyCustomer, _>(self.clone())
            .guarded::<DeliveryDue, _>(self.clone())
            .sequenced::<UserPreferencesChanged, _>(move |event: &_| handlers::preferences(&table, event))
    }

    /// `PUT` and `GET /notifications/templates/{name}`, `GET /notifications?customerId=`.
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
    openapi::described("notifications", &<api::Described as utoipa::OpenApi>::openapi())
}
