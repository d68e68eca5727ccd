//! Payments: takes the money for an order once, gives it back once, whatever is repeated, lost or late.
//!
//! ```text
//! CapturePayment ─ row? ─ provider ─ one transaction: row + PaymentProcessed or PaymentDeclined + ledger
//! RefundPayment ── row? ─ provider ─ one transaction: row + PaymentRefunded + ledger
//! ```
//!
//! The payment's id follows from the order's, and is what the provider knows the payment by. A command that is repeated,
//! by its queue, or by a saga under another event id, therefore finds the row, or has the provider say again what it
//! said before. A refund that comes before the capture, or while nobody knows how the capture ended, has the provider
//! give the payment up: either the money was taken and goes back, or none ever will be.
//!
//! What arrives as the provider's answer (`ProviderAnswered`) is not believed because it arrived: the provider is asked
//! for the payment under its id, and what it does not confirm is parked.

mod api;
mod handlers;
mod local_provider;
mod provider;
mod row;

use std::sync::Arc;

use axum::Router;
use onecommit_commit::{Consumer, Rows, Table};
use onecommit_domain_payments::{CapturePayment, ProviderAnswered, RefundPayment};

pub use crate::local_provider::{Behaviour, LocalProvider, Towards};
pub use crate::provider::{Found, PaymentProvider, ProviderError, VoidAnswer};

/// The context: its table and its provider.
#[derive(Clone)]
pub struct Payments {
    rows: Arc<dyn Rows>,
    table: Table,
    provider: Arc<dyn PaymentProvider>,
}

impl Payments {
    /// Payments in `table`, whose key is `paymentId`, with their money taken by `provider`.
    #[must_use]
    pub fn new(rows: Arc<dyn Rows>, table: Table, provider: Arc<dyn PaymentProvider>) -> Self {
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
        api::router(self.clone())
    }
}
