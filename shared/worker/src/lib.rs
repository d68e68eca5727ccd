//! The commit engine as a long-polling process, for containers and for anything else that is not Lambda.
//!
//! A worker asks a queue for messages, hands them to the same [`Engine`](onecommit_commit::Engine) that runs in a
//! Lambda function, and settles them: what is finished is deleted, ten to a request; what failed comes back later; what
//! cannot be handled is parked. A queue may be shared by workers and functions, as many as there are.
//!
//! ```text
//! receive loops ──► room? ──► receive ──► engine, one commit each ──► delete | delay | park
//!                     ▲                        │                               │
//!                     │              heartbeat: stays invisible                │
//!                     └────────────────── room again ◄─────────────────────────┘
//! ```
//!
//! What a crash does: messages that were received and not yet deleted come back when their visibility ends, and the
//! ledger tells which of them had been handled. Nothing is lost, nothing takes effect twice.

mod handling;
mod heartbeat;
mod in_flight;
mod monitor;
mod numbers;
mod prometheus;
mod receiving;
mod room;
mod settings;
mod settling;
mod source;
mod worker;

pub use monitor::Monitor;
pub use numbers::Numbers;
pub use settings::Settings;
pub use source::{MESSAGES_MAX, Receipt, Source, SourceError, WAIT_MAX};
pub use worker::{Drained, Worker};
