//! What the context says to others, and what it is asked: commands, events, replies.

mod commands;
mod events;

pub use commands::{CapturePayment, RefundPayment};
pub use events::{
    DeclineReason, PaymentDeclined, PaymentProcessed, PaymentRefunded, PaymentUnchanged, ProviderAnswered,
    ProviderOutcome,
};
