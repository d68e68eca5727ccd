use std::time::Duration;

use onecommit_environment::Timestamp;
use onecommit_event::{EventId, Fingerprint};

use crate::condition::Condition;
use crate::value::{Item, Value};
use crate::write::{Key, Put, Table, Update};

/// The ledger: one row for each message a consumer has handled, written by the transaction that handled it.
///
/// Rows expire, and a copy can arrive at any time: parking and redriving a message sends a new one, for which the
/// retention of the queue starts again. So an event that is older than the ledger remembers is not handled but parked
/// (`OlderThanTheLedger`), unless its consumer [accepts old events](crate::Consumer::accepts_old_events):
///
/// ```text
/// the event's timestamp ──┬── at most the clock skew later than it was handled (else it is from the future)
/// handled                 │ ──┬── its row is kept for the retention and a margin
/// a copy is accepted      └───┼── until the retention, less the clock skew, has passed since its timestamp
/// its row is gone             └── later than that
/// ```
#[derive(Clone, Debug)]
pub struct Ledger {
    table: Table,
    retention: Duration,
    since: Option<Timestamp>,
}

/// The outcome of a message that was handled.
pub(crate) const HANDLED: &str = "handled";
/// The outcome of a message in somebody's hands.
pub(crate) const LEASED: &str = "leased";

/// Longer than any queue keeps a message.
const FAILURES_KEPT_FOR: Duration = Duration::from_secs(15 * 24 * 3600);

impl Ledger {
    /// How long the ledger remembers by default, and the least time that a row is kept.
    pub const RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);
    /// A row is kept for so much longer, since clocks differ.
    const MARGIN: Duration = Duration::from_secs(3600);

    /// The ledger in `table`, which remembers for [`Ledger::RETENTION`].
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self {
            table,
            retention: Self::RETENTION,
            since: None,
        }
    }

    /// How long it remembers.
    ///
    /// A shorter time than [`RETENTION`](Self::RETENTION) parks old events earlier and changes nothing about rows, so it
    /// may be changed at any time. A longer time counts only for events that happened
    /// [since](Self::with_retention_since) it applies: of those before, rows may be gone.
    #[must_use]
    pub fn keep_for(mut self, retention: Duration) -> Self {
        self.retention = retention;
        self
    }

    /// Since when every process has worked with this retention or a longer one. To be set again whenever it is raised.
    #[must_use]
    pub fn with_retention_since(mut self, since: Timestamp) -> Self {
        self.since = Some(since);
        self
    }

    /// How long it remembers, for events that happened since the retention applies.
    #[must_use]
    pub fn retention(&self) -> Duration {
        self.retention
    }

    /// How long after `timestamp` an event of that time is sure to be found if it was handled, by clocks that differ by up
    /// to `clock_skew`.
    pub(crate) fn remembers(&self, timestamp: Timestamp, clock_skew: Duration) -> Duration {
        let is_since = |since: Timestamp| timestamp >= since.plus(clock_skew);
        let retention = if self.since.is_some_and(is_since) {
            self.retention
        } else {
            self.retention.min(Self::RETENTION)
        };
        retention.saturating_sub(clock_skew)
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

    /// A write that is never carried out: its answer shows the row of the event, if there is one, for one write unit.
    pub(crate) fn look_up(&self, consumer: &str, id: EventId) -> Update {
        let never = Condition::exists("pk").and(Condition::absent("pk"));
        self.table
            .update(Key::new("pk", Self::key_of(consumer, id)))
            .only_if(never)
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
        let kept_for = self.retention.max(Self::RETENTION) + Self::MARGIN;
        let common = [
            ("eventType", event.event_type.into()),
            ("fingerprint", event.fingerprint.to_string().into()),
            ("ttl", now.plus(kept_for).unix_seconds().into()),
        ];
        let row = common
            .into_iter()
            .chain(fields)
            .map(|(name, value)| (name.to_owned(), value));
        self.table
            .put(Key::new("pk", Self::key_of(consumer, event.id)), row)
            .only_if(Condition::absent("pk"))
    }

    /// The row that counts how often a message has failed, to be changed. A message stays in its queue for 14 days at most;
    /// redriven, it is another one.
    pub(crate) fn failures_of(&self, consumer: &str, message_id: &str, now: Timestamp) -> Update {
        let key = Key::new("pk", format!("{consumer}#{message_id}#failures"));
        let kept_until = now.plus(FAILURES_KEPT_FOR).unix_seconds();
        self.table.update(key).set("ttl", kept_until)
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

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);
    const SKEW: Duration = Duration::from_secs(900);

    #[test]
    fn a_longer_retention_counts_for_events_since_it_applies() {
        let raised = Timestamp::from_unix_ms(1_800_000_000_000);
        let ledger = Ledger::new(Table::new("ledger")).keep_for(90 * DAY);
        assert_eq!(ledger.remembers(raised.plus(DAY), SKEW), 30 * DAY - SKEW);
        let ledger = ledger.with_retention_since(raised);
        assert_eq!(ledger.remembers(raised, SKEW), 30 * DAY - SKEW);
        assert_eq!(ledger.remembers(raised.plus(DAY), SKEW), 90 * DAY - SKEW);
    }

    #[test]
    fn a_shorter_retention_counts_for_all_events() {
        let ledger = Ledger::new(Table::new("ledger")).keep_for(7 * DAY);
        assert_eq!(ledger.remembers(Timestamp::from_unix_ms(0), SKEW), 7 * DAY - SKEW);
    }
}
