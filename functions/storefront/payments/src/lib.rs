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

mod domain;
mod messages;
#[cfg(feature = "provider")]
mod outside;
#[cfg(feature = "service")]
mod service;

pub use crate::domain::*;
pub use crate::messages::*;
#[cfg(feature = "provider")]
pub use crate::outside::*;
#[cfg(feature = "service")]
pub use crate::service::*;
