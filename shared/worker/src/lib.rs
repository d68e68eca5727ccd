//! The commit engine as a long-polling process, for containers and for anything else that is not Lambda.
//!
//! A worker receives messages from a queue, handles them with the same [`Engine`](onecommit_engine::Engine) that runs in
//! a Lambda function, and settles them: finished ones are deleted, ten to a request; failed ones are redelivered later;
//! those that cannot be handled are parked. Any number of workers and functions may share a queue.
//!
//! ```text
//! receive loops ──► capacity? ──► receive ──► engine, one commit each ──► delete | delay | park
//!                     ▲                            │                               │
//!                     │             heartbeat: extends visibility                  │
//!                     └────────────────── capacity released ◄──────────────────────┘
//! ```
//!
//! After a crash, messages that were received and not yet deleted are redelivered when their visibility timeout ends,
//! and the ledger shows which of them were handled. None is lost, none takes effect twice.

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
mod shared;
mod source;
mod worker;

pub use monitor::Monitor;
pub use numbers::Numbers;
pub use settings::Settings;
pub use source::{MESSAGES_MAX, Receipt, Source, SourceError, WAIT_MAX};
pub use worker::{Drained, Worker};
