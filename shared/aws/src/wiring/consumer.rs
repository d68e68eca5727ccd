use std::time::Duration;

use onecommit_config::{Reader, Setting};
use onecommit_engine::{EventLog, Ledger, Settings, Table, UnknownEventTypes};
use onecommit_environment::Timestamp;

use crate::wiring::payloads::PayloadsConfig;

const CONSUMER_NAME: Setting = Setting::required(
    "CONSUMER_NAME",
    "Name under which the ledger remembers what was handled",
);
const LEDGER_TABLE_NAME: Setting = Setting::required("LEDGER_TABLE_NAME", "Table of handled messages");
/// Where views are, for those consumers that keep some.
pub const VIEWS_TABLE_NAME: Setting = Setting::required("VIEWS_TABLE_NAME", "Table of views");
/// Where events are appended, for those consumers that append some.
pub const EVENTS_TABLE_NAME: Setting = Setting::required("EVENTS_TABLE_NAME", "Table of events");
/// Whether appended events are marked until the relay has published them.
pub const PENDING_MARKS: Setting = Setting::optional(
    "PENDING_MARKS",
    "off",
    "Whether events are marked until they are published, to be found after a long outage: `on` or `off`",
);
const CONSUMER_QUEUE_URL: Setting = Setting::required("CONSUMER_QUEUE_URL", "URL of the queue");
const CONSUMER_DLQ_URL: Setting = Setting::required("CONSUMER_DLQ_URL", "URL of the dead-letter queue");
const LEDGER_RETENTION_DAYS: Setting = Setting::optional(
    "LEDGER_RETENTION_DAYS",
    "30",
    "Days for which the ledger remembers handled events; older events are parked",
);
const LEDGER_RETENTION_SINCE: Setting = Setting::optional(
    "LEDGER_RETENTION_SINCE",
    "",
    "Since when more than 30 days of retention have been set, in RFC 3339; they apply to events since then",
);
const UNKNOWN_EVENT_TYPES: Setting = Setting::optional(
    "UNKNOWN_EVENT_TYPES",
    "ignore",
    "What to do with event types that have no handler: `ignore` or `park`",
);
const CONCURRENCY: Setting = Setting::optional("CONCURRENCY", "50", "Messages of a batch handled at once");
const GROUP_COMMIT: Setting = Setting::optional(
    "GROUP_COMMIT",
    "on",
    "Whether commits that touch different rows share a transaction: `on` or `off`",
);
const HANDLER_TIMEOUT_MS: Setting = Setting::optional(
    "HANDLER_TIMEOUT_MS",
    "60000",
    "Milliseconds a handler may take, and at most three quarters of the time left in the invocation",
);
const DELIVERIES_MAX: Setting = Setting::optional(
    "DELIVERIES_MAX",
    "5",
    "Failures of a message by its own fault until it is parked; failures of its dependencies do not count",
);
const CLAIM_CHECK_BUCKET: Setting = Setting::optional(
    "CLAIM_CHECK_BUCKET",
    "",
    "S3 bucket of payloads that were too large for a message",
);

/// The table of events, as everything that appends to it and the relay read it.
pub fn read_event_log(reader: &mut Reader<'_>) -> EventLog {
    let log = EventLog::new(Table::new(reader.text(&EVENTS_TABLE_NAME)));
    match reader.choice(&PENDING_MARKS, &[("on", true), ("off", false)]) {
        true => log.with_pending_marks(),
        false => log,
    }
}

/// The settings of a consumer, but for the tables of its own.
#[derive(Debug)]
#[non_exhaustive]
pub struct ConsumerConfig {
    /// The consumer's name.
    pub name: String,
    /// Where handled messages are remembered, and for how long.
    pub ledger: Ledger,
    /// The queue's URL.
    pub queue_url: String,
    /// The dead-letter queue's URL.
    pub dead_letter_queue_url: String,
    /// Where payloads are that were too large for a message.
    pub payloads: PayloadsConfig,
    /// How the engine works.
    pub settings: Settings,
}

impl ConsumerConfig {
    /// Reads it, and the consumer's name with it.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let name = reader.text(&CONSUMER_NAME);
        Self::named(name, reader)
    }

    /// Reads it for a consumer whose name is fixed in its code.
    pub fn named(name: impl Into<String>, reader: &mut Reader<'_>) -> Self {
        Self {
            name: name.into(),
            ledger: ledger(reader),
            queue_url: reader.text(&CONSUMER_QUEUE_URL),
            dead_letter_queue_url: reader.text(&CONSUMER_DLQ_URL),
            payloads: PayloadsConfig::read(reader, &CLAIM_CHECK_BUCKET),
            settings: settings(reader),
        }
    }
}

pub(crate) fn ledger(reader: &mut Reader<'_>) -> Ledger {
    let days = reader.whole_number(&LEDGER_RETENTION_DAYS, 1..=3650);
    let ledger = Ledger::new(Table::new(reader.text(&LEDGER_TABLE_NAME)));
    let ledger = ledger.keep_for(Duration::from_secs(days * 24 * 3600));
    match reader.parsed(&LEDGER_RETENTION_SINCE, Timestamp::parse) {
        Some(since) => ledger.with_retention_since(since),
        None => ledger,
    }
}

pub(crate) fn settings(reader: &mut Reader<'_>) -> Settings {
    let policies = [("ignore", UnknownEventTypes::Ignore), ("park", UnknownEventTypes::Park)];
    Settings::default()
        .unknown_event_types(reader.choice(&UNKNOWN_EVENT_TYPES, &policies))
        .concurrency(usize::try_from(reader.whole_number(&CONCURRENCY, 1..=1000)).unwrap_or(1))
        .group_commit(reader.choice(&GROUP_COMMIT, &[("on", true), ("off", false)]))
        .handler_timeout(Duration::from_millis(
            reader.whole_number(&HANDLER_TIMEOUT_MS, 1..=900_000),
        ))
        .deliveries_max(u32::try_from(reader.whole_number(&DELIVERIES_MAX, 1..=1000)).unwrap_or(1))
}
