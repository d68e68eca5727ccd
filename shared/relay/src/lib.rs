//! The transactional outbox's way out: what a commit appended to the events table is published, whatever became of the
//! message that caused it (<https://microservices.io/patterns/data/transactional-outbox.html>).
//!
//! [`Relay::relay`] takes the records of the table's stream. [`Relay::recover`] finds what never left, after an outage
//! longer than the stream remembers. [`Backfill`] publishes a part of the store once more.
//!
//! # Order
//!
//! DynamoDB's streams keep the order of one row, not of the rows of an aggregate. So an event is published only after
//! all events before it in its aggregate: those that the stream has not told of yet are read from the table. No two
//! events of an aggregate are under way at the same time, so no partial failure can turn them around.
//!
//! # What does not leave
//!
//! A destination that takes nothing is waited for. An event that a destination refuses is parked. One that can do neither,
//! while others leave, is stepped over: it and the events after it in its aggregate keep their marks, and a recovery tries
//! them again, so that they hold back nobody else.
//!
//! # At least once
//!
//! An event leaves again when a crash or a lost answer leaves open whether it left. Consumers absorb it by its id.

mod backfill;
mod filling;
mod lane;
mod metrics;
mod pause;
mod recent;
mod record;
mod recovery;
mod relay;
mod round;
mod rounds;
mod settings;
mod stuck;

pub use backfill::{Backfill, BackfillError, BackfillProgress};
pub use metrics::RelayTally;
pub use record::StreamRecord;
pub use recovery::Recovered;
pub use relay::{Outcome, Relay};
pub use settings::RelaySettings;
pub use stuck::{StuckEvent, stuck_events};
