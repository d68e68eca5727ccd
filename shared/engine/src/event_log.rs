use async_trait::async_trait;
use onecommit_environment::Environment;
use onecommit_event::{Aggregate, Event, EventError, Metadata};

use crate::commit::Append;
use crate::condition::Condition;
use crate::table_writer::DatabaseError;
use crate::value::{Item, Value};
use crate::write::{Key, Put, Table, Update};

/// The table of events: event store and outbox in one. A row is an event, its key the stream and the version from 1.
///
/// An event that is there was committed; the relay publishes it from the table's stream, whatever becomes of the
/// message that caused it.
#[derive(Clone, Debug)]
pub struct EventLog {
    table: Table,
    tracks_pending: bool,
}

/// The sparse index of rows that may not have left yet has this attribute as its key.
pub const PENDING: &str = "pending";
/// The name of that index. Its sort key is the event's `timestamp`.
pub const PENDING_INDEX: &str = "pending";
/// The mark of an event that the relay has stepped over, so that it does not hold back the events of other aggregates: a
/// partition of the index of its own. Events carry it whether they were marked when they were appended or not.
pub const STUCK: &str = "stuck";
/// How many partitions that index is spread over.
const PENDING_SHARDS: u64 = 16;

/// Takes the mark [`PENDING`] from rows.
#[async_trait]
pub trait PendingMarks: Send + Sync {
    /// These events, by stream and version, have left. A row that is gone stays gone; one without a mark stays as it is.
    ///
    /// A crash or a lost answer leaves some of the marks: those events will leave once more.
    ///
    /// # Errors
    /// When at least one mark may be left.
    async fn clear(&self, log: &EventLog, events: &[(&str, u64)]) -> Result<(), DatabaseError>;
}

impl EventLog {
    /// The events in `table`, which carry no mark while they wait for the relay.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self {
            table,
            tracks_pending: false,
        }
    }

    /// Appends events with the mark [`PENDING`], by which those that never left are found after an outage longer than
    /// DynamoDB's stream remembers (24 hours), and by which the relay knows across restarts what has left. The mark costs
    /// one write unit per event when it is appended (the index's row), and when it is cleared one per KB of the event and
    /// one for the index.
    #[must_use]
    pub fn with_pending_marks(mut self) -> Self {
        self.tracks_pending = true;
        self
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The key of a row.
    #[must_use]
    pub fn key(stream: &Aggregate, version: u64) -> Key {
        Key::new("stream", stream.to_string()).and("version", version)
    }

    /// The write that appends an event whose metadata holds its sequence. It lands only at the end of its stream.
    ///
    /// Versions have no gaps, so that an event at `n` proves all before it: a writer who expects `n` puts `n + 1`, and
    /// two of them cannot both.
    #[must_use]
    pub fn put(&self, event: &Event) -> Put {
        let version = event.metadata().sequence.unwrap_or(0);
        let mut row: Item = [
            ("eventId", Value::from(event.id().to_string())),
            ("eventType", event.event_type().into()),
            ("timestamp", event.timestamp().to_string().into()),
            ("event", event.to_json().into()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        if self.tracks_pending {
            row.insert(PENDING.to_owned(), Self::shard_of(event.aggregate()).into());
        }
        self.table
            .put(Self::key(event.aggregate(), version), row)
            .only_if(Condition::absent("version"))
    }

    /// The event in a row.
    ///
    /// # Errors
    /// When the row holds no valid event, or one of another aggregate than its stream's.
    pub fn event_in(row: &Item) -> Result<Event, EventError> {
        let event = Event::from_json(row.get("event").and_then(Value::as_str).unwrap_or_default())?;
        match row.get("stream").and_then(Value::as_str) {
            Some(stream) => event.found_in(stream),
            // Whoever read a single stream has left its name out.
            None => Ok(event),
        }
    }

    /// Whether a row carries the mark [`PENDING`]: its event may not have left yet.
    #[must_use]
    pub fn is_pending(row: &Item) -> bool {
        row.contains_key(PENDING)
    }

    /// Whether the relay has stepped over a row's event: it has not left, and a recovery tries it again.
    #[must_use]
    pub fn is_stuck(row: &Item) -> bool {
        row.get(PENDING).and_then(Value::as_str) == Some(STUCK)
    }

    /// Marks an event as stuck that carries the mark [`PENDING`]. It lands only as long as the event has not left: whoever
    /// published it meanwhile took the mark away.
    #[must_use]
    pub fn mark_stuck(&self, stream: &str, version: u64) -> Update {
        self.stuck_mark(stream, version).only_if(Condition::exists(PENDING))
    }

    /// Marks an event as stuck that was appended without a mark.
    #[must_use]
    pub fn mark_unmarked_as_stuck(&self, stream: &str, version: u64) -> Update {
        self.stuck_mark(stream, version).only_if(Condition::exists("version"))
    }

    fn stuck_mark(&self, stream: &str, version: u64) -> Update {
        let key = Key::new("stream", stream).and("version", version);
        self.table.update(key).set(PENDING, STUCK)
    }

    /// The partitions of the index of rows that may not have left, but for [`STUCK`].
    pub fn pending_shards() -> impl Iterator<Item = String> {
        (0..PENDING_SHARDS).map(|shard| format!("shard-{shard}"))
    }

    fn shard_of(stream: &Aggregate) -> String {
        let hash = stream
            .to_string()
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                // FNV-1a: all that matters is that one stream stays in one shard.
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        format!("shard-{}", hash % PENDING_SHARDS)
    }

    /// The writes of a commit's appends, each event following from `cause`.
    pub(crate) fn puts(
        &self,
        appends: Vec<Append>,
        cause: &Event,
        environment: &Environment,
    ) -> Result<Vec<Put>, EventError> {
        let mut puts = Vec::new();
        for append in appends {
            for (version, new) in (append.expected_version + 1..).zip(append.events) {
                let origin = cause.metadata();
                let metadata = Metadata {
                    user_id: origin.user_id.clone(),
                    traceparent: origin.traceparent.clone(),
                    tracestate: origin.tracestate.clone(),
                    sequence: Some(version),
                    ..Metadata::caused_by(origin.correlation_id.clone(), cause.id().to_string())
                };
                puts.push(self.put(&Event::from_new(new, append.aggregate.clone(), metadata, environment)?));
            }
        }
        Ok(puts)
    }
}
