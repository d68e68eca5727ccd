//! Payments: what may be asked of them, what happens to them, and what follows from what.
//!
//! An order has one payment, whose id follows from the order's. However often it is asked for, its money is taken at
//! most once; and once it is voided or refunded, never again.

mod payment;

pub use payment::{
    Contradiction, InvalidTerms, OnAnswer, OnCapture, OnRefund, Payment, PaymentId, Status, Terms, nothing,
};
