//! An outside catalog, an outside payment provider and a registry: services of other people, with forms of their own, that
//! fail on demand. A test runs them as the process `outside`, or in its own process where time is virtual.
//!
//! | request | what it does |
//! |---|---|
//! | `GET /products/{product_code}` | a product, if there is one, with an `ETag` |
//! | `PUT /control/products/{product_code}` | the next answers for this product are this JSON, whatever it is |
//! | `POST /intents`, `GET /intents?reference=`, `POST /intents/{id}/refund`, `POST /cancellations` | payments |
//! | `/v1/agent/service/...`, `/v1/health/service/{name}` | a registry with Consul's API |
//! | `PUT /control/faults` | the faults of the next requests, as a list of names: see [`Fault`] |
//! | `GET /control/report` | what was asked, and how much money was taken and returned |
//!
//! The catalog and the provider want the key [`KEY`] in `X-API-Key`.

mod catalog;
mod consul;
mod control;
mod faults;
mod payments;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::middleware::from_fn_with_state;

pub use faults::Fault;

/// The key that both services want.
pub const KEY: &str = "outside-key-4711";

/// The services.
#[derive(Clone, Default)]
pub struct Outside(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    catalog: catalog::Catalog,
    consul: consul::Consul,
    payments: payments::Payments,
    faults: faults::Faults,
}

impl Outside {
    /// Services that know nothing and have no faults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All services.
    pub fn router(&self) -> Router {
        let services = catalog::router().merge(payments::router());
        let faulty = services.layer(from_fn_with_state(self.clone(), faults::strike));
        faulty
            .merge(control::router())
            .merge(consul::router())
            .with_state(self.clone())
    }

    /// The faults of the next requests, in their order; after them there are none.
    pub fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state().faults.next = faults.into_iter().collect();
    }

    /// What happened, as `GET /control/report` answers.
    #[must_use]
    pub fn report(&self) -> serde_json::Value {
        let state = self.state();
        let mut report = state.payments.report();
        report["requests"] = state.faults.requests.into();
        report
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
