use std::time::Duration;

use onecommit_environment::Timestamp;
use onecommit_event::{EventId, Fingerprint};
use onecommit_mutants::{Mutant, is_on};

use crate::condition::Condition;
use crate::value::{Item, Value};
use crate::write::{Key, Put, Table};

/// The ledger: one row for each message a consumer has handled, written by the transaction that handled it.
#[derive(Clone, Debug)]
pub struct Ledger {
    table: Table,
    retention: Duration,
}

/// The outcome of a message that was handled.
pub(crate) const HANDLED: &str = "handled";
/// The outcome of a message in somebody's hands.
pub(crate) const LEASED: &str = "leased";

impl Ledger {
    /// How long a row is kept. A message can come back as long as its queue (14 days at most) and then its dead-letter
    /// queue (14 days at most) keep it; a row has to outlive that.
    pub const RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);

    /// The ledger in `table`, whose rows are kept for [`Ledger::RETENTION`].
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self {
            table,
            retention: Self::RETENTION,
        }
    }

    /// Rows are kept for another time.
    #[must_use]
    pub fn keep_for(mut self, retention: Duration) -> Self {
        self.retention = retention;
        self
    }

    /// How long a row is kept here.
    #[must_use]
    pub fn retention(&self) -> Duration {
        self.retention
    }

    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    /// The key of an event's row.
    pub(crate) fn key_of(consumer: &str, id: EventId) -> String {
        format!("{consumer}#{id}")
    }

    /// The row that says: `consumer` has handled this event. It lands only if there is none yet.
    pub(crate) fn record(&self, consumer: &str, event: &Handled<'_>, now: Timestamp) -> Put {
        let fields = [
            ("outcome", HANDLED.into()),
            ("handledAt", now.to_string().into()),
            ("sourceMessageId", event.message_id.into()),
        ];
        self.first_row(consumer, event, now, fields)
    }

    /// The row that says: an owner is about to handle this event. It lands only if there is none yet.
    pub(crate) fn lease(
        &self,
        consumer: &str,
        event: &Handled<'_>,
        now: Timestamp,
        owner: &str,
        epoch: u64,
        until_ms: i64,
    ) -> Put {
        let fields = [
            ("outcome", LEASED.into()),
            ("owner", owner.into()),
            ("epoch", epoch.into()),
            ("leaseUntil", until_ms.into()),
        ];
        self.first_row(consumer, event, now, fields)
    }

    fn first_row<const N: usize>(
        &self,
        consumer: &str,
        event: &Handled<'_>,
        now: Timestamp,
        fields: [(&str, Value); N],
    ) -> Put {
        let retention = if is_on(Mutant::LedgerForgetsEarly) {
            Duration::from_secs(300)
        } else {
            self.retention
        };
        let common = [
            ("eventType", event.event_type.into()),
            ("fingerprint", event.fingerprint.to_string().into()),
            ("ttl", now.plus(retention).unix_seconds().into()),
        ];
        let row = common
            .into_iter()
            .chain(fields)
            .map(|(name, value)| (name.to_owned(), value));
        self.table
            .put(Key::new("pk", Self::key_of(consumer, event.id)), row)
            .only_if(Condition::absent("pk"))
    }

    /// Whether a row found in the ledger says that the message was handled.
    pub(crate) fn is_handled(row: &Item) -> bool {
        row.get("outcome").and_then(Value::as_str) == Some(HANDLED)
    }

    /// The fingerprint of the event that a row found in the ledger stands for.
    pub(crate) fn fingerprint_in(row: &Item) -> Option<&str> {
        row.get("fingerprint").and_then(|value| value.as_str())
    }
}

/// What the ledger notes of a message.
pub(crate) struct Handled<'a> {
    pub(crate) id: EventId,
    pub(crate) event_type: &'a str,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) message_id: &'a str,
}
