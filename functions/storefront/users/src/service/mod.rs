mod api;
mod facts;
mod handlers;
mod reader;
mod row;

use std::sync::Arc;

use axum::Router;
use onecommit_engine::{Consumer, EventLog, RetryingWrites, Table, Tables};
use onecommit_environment::Environment;
use onecommit_http::openapi;
use onecommit_sealing::Sealer;

pub use crate::service::reader::{ReadUser, UserReadError, UserReader};

use crate::ChangeUserPreferences;

/// The context: its table and its events.
#[derive(Clone)]
pub struct Users {
    tables: Arc<dyn Tables>,
    table: Table,
    log: EventLog,
    sealer: Arc<Sealer>,
    environment: Environment,
}

impl Users {
    /// Users in `table`, whose key is `userId`, with their events in `log`, in streams `User#...`. Their data is sealed by
    /// `sealer` for the subjects `User#...`.
    #[must_use]
    pub fn new(
        tables: Arc<dyn Tables>,
        table: Table,
        log: EventLog,
        sealer: Arc<Sealer>,
        environment: Environment,
    ) -> Self {
        Self {
            tables: Arc::new(RetryingWrites::of(tables, environment.clone())),
            table,
            log,
            sealer,
            environment,
        }
    }

    /// A consumer of this name for the context's command.
    #[must_use]
    pub fn consumer(&self, name: impl Into<String>) -> Consumer {
        Consumer::named(name).atomic::<ChangeUserPreferences, _>(self.clone())
    }

    /// `PUT` and `GET /users/{userId}` and `/users/{userId}/preferences`.
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
    openapi::described("users", &<api::Described as utoipa::OpenApi>::openapi())
}
