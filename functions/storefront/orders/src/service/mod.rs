mod answer;
mod api;
mod handlers;
mod list_api;
mod lists;
mod reader;
mod request;
mod status;

use std::sync::Arc;

use axum::Router;
use onecommit_engine::Consumer;
use onecommit_environment::Environment;
use onecommit_event::{Aggregate, EventError};
use onecommit_event_store::{Decider, EventStore};
use onecommit_http::openapi;

use crate::{ORDER_REQUEST, Order};

pub use lists::OrderLists;
pub use reader::{CustomerOrders, OrderReadError, OrderReader, ReadOrder};
pub use request::{LINES_MAX, TEXT_BYTES_MAX};

/// The orders context.
#[derive(Clone)]
pub struct Orders(Arc<Inner>);

struct Inner {
    store: EventStore,
    environment: Environment,
}

impl Orders {
    /// Orders in this store.
    #[must_use]
    pub fn new(store: EventStore, environment: Environment) -> Self {
        Self(Arc::new(Inner { store, environment }))
    }

    /// The consumer of this name that carries out `CreateOrder`, `ConfirmOrder` and `CancelOrder`. Its engine needs an
    /// event log.
    #[must_use]
    pub fn consumer(&self, name: impl Into<String>) -> Consumer {
        handlers::register(Consumer::named(name), self)
    }

    /// The API: everything under `/orders` but lists of orders. What it answers is in `docs/storefront.md`.
    pub fn api(&self) -> Router {
        api::router(self.clone())
    }

    /// The API with lists of orders, `GET /orders`, and its description.
    pub fn api_with_lists(&self, lists: OrderLists) -> Router {
        let lists = list_api::router(Arc::new(lists));
        self.api().merge(lists).merge(openapi::served(OPENAPI))
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
    openapi::described("orders", &<api::Described as utoipa::OpenApi>::openapi())
}

impl std::fmt::Debug for Orders {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Orders").finish_non_exhaustive()
    }
}

/// The stream of what happened to an order.
fn order(order_id: &str) -> Result<Aggregate, EventError> {
    Aggregate::new(Order::AGGREGATE_TYPE, order_id)
}

/// The stream of an order's request, and of answers that are no fact about the order.
fn request_for(order_id: &str) -> Result<Aggregate, EventError> {
    Aggregate::new(ORDER_REQUEST, order_id)
}
