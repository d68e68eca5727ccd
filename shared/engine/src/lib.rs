//! Handling a message is one commit.
//!
//! A handler does not write. It reads what it needs and returns a [`Commit`]: a value that describes the changes. The
//! engine adds the record that the message was handled and sends all of it as one transaction. Either everything is
//! written, or nothing is; a later copy of the message is recognised by that same transaction, without a read before
//! it.
//!
//! ```
//! use onecommit_engine::{Commit, Consumer, Failure, Key, Table};
//! use onecommit_event::{Event, Payload};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct ParcelShipped { carrier: String }
//!
//! impl Payload for ParcelShipped {
//!     const EVENT_TYPE: &'static str = "ParcelShipped";
//! }
//!
//! async fn parcel_shipped(event: Event<ParcelShipped>) -> Result<Commit, Failure> {
//!     let parcels = Table::new("parcels");
//!     let row = Key::of_view(event.aggregate().to_string(), "status");
//!     Ok(Commit::of(parcels.update(row).set("carrier", &event.payload().carrier)))
//! }
//!
//! let consumer = Consumer::named("parcel-view").atomic(parcel_shipped);
//! ```

mod admission;
mod commit;
mod committer;
mod condition;
mod consumer;
mod deadline;
mod decimal;
mod delivery;
mod effects;
mod embedded;
mod engine;
mod event_log;
mod failures;
mod first_tries;
mod lanes;
mod lease;
mod ledger;
mod metrics;
mod outage;
mod queue;
mod redelivery;
mod retry_budgets;
mod retrying_tables;
mod retrying_writes;
mod seen_events;
mod settle;
mod size;
#[cfg(test)]
mod stopped;
mod table_reader;
mod table_writer;
mod tables;
mod transaction;
mod value;
mod verdict;
mod write;

pub use commit::{Append, Commit};
pub use condition::{Comparison, Condition};
pub use consumer::{Consumer, Settings, UnknownEventTypes};
pub use deadline::Deadline;
pub use decimal::{Decimal, NotKept};
pub use delivery::{Attribute, Delivery, PARKED_REASON};
pub use effects::{
    AlsoInLedger, Atomic, CallError, CallOutcome, Effect, Embedded, Failure, Guarded, IdempotencyKey, IdempotencyKeys,
    Keyed, Message, MovedRow, RowOf, RowUpdate, Sequenced, SequencedUpdate,
};
pub use engine::Engine;
pub use event_log::{EventLog, PENDING, PENDING_INDEX, PendingMarks, STUCK};
pub use first_tries::FirstTries;
pub use ledger::Ledger;
pub use metrics::{Metrics, Tally};
pub use onecommit_environment::{Backoff, RetryPolicy};
pub use queue::{ParkedMessage, Queue, QueueError};
pub use retrying_tables::RetryingTables;
pub use retrying_writes::RetryingWrites;
pub use settle::Settlement;
pub use table_reader::{Index, Page, Query, Scan, TableReader};
pub use table_writer::{Cancellation, DatabaseError, TableWriter, TransientKind};
pub use tables::Tables;
pub use transaction::{ACTIONS_MAX, BYTES_MAX, CommitFault, ITEM_BYTES_MAX, Transaction};
pub use value::{Item, Value, item_bytes};
pub use verdict::{ParkReason, RetryReason, Verdict};
pub use write::{Change, Check, Delete, Key, Put, Row, Table, Update, Write};
