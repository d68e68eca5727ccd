//! Payments: what happens to them.

mod events;

pub use events::PaymentProcessed;
