use std::time::Duration;

use onecommit_environment::Timestamp;
use onecommit_event::{EventId, Fingerprint};

use crate::condition::Condition;
use crate::value::Item;
use crate::write::{Key, Put, Table};

/// The ledger: one row for each message a consumer has handled, written by the transaction that handled it.
#[derive(Clone, Debug)]
pub struct Ledger {
    table: Table,
    retention: Duration,
}

impl Ledger {
    /// How long a row is kept. A message can come back as long as its queue (14 days at most) and then its dead-letter
    /// queue (14 days at most) keep it; a row has to outlive that.
    pub const RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);

    /// The ledger in `table`, whose rows are kept for [`Ledger::RETENTION`].
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table, retention: Self::RETENTION }
    }

    /// Rows are kept for another time.
    #[must_use]
    pub fn keep_for(mut self, retention: Duration) -> Self {
        self.retention = retention;
        self
    }

    /// The row that says: `consumer` has handled this event. It lands only if there is none yet.
    pub(crate) fn record(&self, consumer: &str, event: &Handled<'_>, now: Timestamp) -> Put {
        let fields = [
            ("outcome", "handled".into()),
            ("eventType", event.event_type.into()),
            ("fingerprint", event.fingerprint.to_string().into()),
            ("handledAt", now.to_string().into()),
            ("sourceMessageId", event.message_id.into()),
            ("ttl", now.plus(self.retention).unix_seconds().into()),
        ];
        self.table
            .put(Key::new("pk", format!("{consumer}#{}", event.id)), fields.map(|(name, value)| (name.to_owned(), value)))
            .only_if(Condition::absent("pk"))
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
