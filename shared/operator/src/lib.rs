//! A command line for those who run event-driven services.
//!
//! It reads the tables of a service and carries out the decisions that only people make: events and their publication,
//! audits, personal data, views, sagas, API keys, circuits. A service says what it knows, and has a program of its own:
//!
//! ```no_run
//! use std::process::ExitCode;
//! use std::sync::Arc;
//!
//! use onecommit_engine::{Consumer, Failure, SequencedUpdate, TableReader};
//! use onecommit_event::{Event, Payload};
//! use onecommit_operator::Operator;
//! use onecommit_views::{ViewDefinition, ViewRows};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct ParcelPosted { carrier: String }
//!
//! impl Payload for ParcelPosted {
//!     const EVENT_TYPE: &'static str = "ParcelPosted";
//! }
//!
//! struct ByCarrier;
//!
//! impl ViewDefinition for ByCarrier {
//!     fn name(&self) -> &str {
//!         "parcels-by-carrier"
//!     }
//!
//!     fn handlers(&self, consumer: Consumer, rows: ViewRows) -> Consumer {
//!         consumer.sequenced(move |event: &Event<ParcelPosted>| -> Result<SequencedUpdate, Failure> {
//!             let row = rows.update(event.aggregate().id(), "parcel");
//!             Ok(SequencedUpdate::last_value(row.set("carrier", &event.payload().carrier)))
//!         })
//!     }
//! }
//!
//! fn views(_rows: &Arc<dyn TableReader>) -> Vec<Arc<dyn ViewDefinition>> {
//!     vec![Arc::new(ByCarrier)]
//! }
//!
//! fn main() -> ExitCode {
//!     Operator::named("parcels").version(env!("CARGO_PKG_VERSION")).views(views).run()
//! }
//! ```
//!
//! Commands, settings and the permissions that each command needs are described in `docs/operator.md` of the
//! project.

mod cli;
mod commands;
mod config;
mod confirmation;
mod dispatch;
mod known;
mod operator;
mod orchestrator_queue;
mod process;
mod progress;
mod terminal;

pub use operator::Operator;

/// The page of the documentation, whose example is compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/operator.md")]
struct Page;
