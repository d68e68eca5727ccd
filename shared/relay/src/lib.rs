//! Publishes what commits appended to the events table (the transactional outbox), whatever happens to the
//! message that caused it (<https://microservices.io/patterns/data/transactional-outbox.html>).
//!
//! [`Relay::relay`] handles the records of the table's stream. [`Relay::recover`] finds unpublished events after an outage
//! that is longer than the stream's retention. [`Backfill`] publishes a part of the store once more.
//!
//! # Order
//!
//! DynamoDB's streams keep the order of one row, not of the rows of an aggregate. So an event is published only after
//! all events before it in its aggregate: those that the stream has not delivered yet are read from the table. No two
//! events of an aggregate are in flight at the same time, so no partial failure can reorder them.
//!
//! # Failures
//!
//! The relay waits for a destination that accepts nothing. An event that a destination rejects is parked. One that can be
//! neither published nor parked, while others can, is set aside: it and the later events of its aggregate keep their
//! marks, and a recovery tries them again, so that they do not delay other aggregates.
//!
//! # At least once
//!
//! An event is published again if a crash or a lost answer leaves its outcome unknown. Consumers absorb it by its id.

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
