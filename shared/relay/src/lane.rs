use std::collections::{BTreeMap, VecDeque};

use onecommit_commit::{EventLog, Item, Value};
use onecommit_environment::Timestamp;
use onecommit_event::Event;

use crate::record::{StreamRecord, key_in, version_in};

/// The events of one stream that are due, by version.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) stream: String,
    /// What may leave now, one after the other.
    pub(crate) due: VecDeque<Due>,
    /// What has to wait for a version that is missing, and for which.
    pub(crate) waiting: Option<(Vec<Due>, String)>,
    /// Why the first that is due did not leave.
    pub(crate) failed: Option<String>,
}

/// An event that is due.
#[derive(Debug)]
pub(crate) struct Due {
    pub(crate) version: u64,
    /// The event, or why the row holds none.
    pub(crate) event: Result<Event, Unreadable>,
    /// Its place among the records; none when it was read from the table.
    pub(crate) record: Option<usize>,
    pub(crate) written_at: Timestamp,
}

/// A row that holds no event.
#[derive(Debug)]
pub(crate) struct Unreadable {
    /// The row as JSON, to be parked.
    pub(crate) row: String,
    pub(crate) error: String,
}

/// The records by stream, each stream by version. Records that are no event - snapshots - are left out.
pub(crate) fn of(records: &[StreamRecord]) -> Vec<Lane> {
    let mut lanes: BTreeMap<&str, Vec<Due>> = BTreeMap::new();
    for (place, record) in records.iter().enumerate() {
        let Some((stream, version)) = key_in(&record.row).filter(|(_, version)| *version > 0) else {
            continue;
        };
        let due = Due::from_row(&record.row, version, Some(place), record.written_at);
        lanes.entry(stream).or_default().push(due);
    }
    let sorted = lanes.into_iter().map(|(stream, mut due)| {
        due.sort_by_key(|due| due.version);
        // A record may be told twice.
        due.dedup_by_key(|due| due.version);
        Lane::new(stream.to_owned(), due)
    });
    sorted.collect()
}

impl Lane {
    pub(crate) fn new(stream: String, due: impl Into<VecDeque<Due>>) -> Self {
        Self {
            stream,
            due: due.into(),
            waiting: None,
            failed: None,
        }
    }

    /// Whether there is something that may leave.
    pub(crate) fn is_moving(&self) -> bool {
        self.failed.is_none() && !self.due.is_empty()
    }

    /// Of [`onecommit_mutants::Mutant::NextLeavesThoughFailed`]: lets what comes after the first leave before it.
    pub(crate) fn set_first_aside(&mut self, why: String) {
        let (aside, _) = self.waiting.get_or_insert_with(|| (Vec::new(), why));
        aside.extend(self.due.pop_front());
    }

    /// What did not leave, and why.
    pub(crate) fn left_over(&self) -> impl Iterator<Item = (&Due, &str)> {
        let why = self.failed.as_deref().unwrap_or_default();
        let failed = self.due.iter().map(move |due| (due, why));
        let waiting = self
            .waiting
            .iter()
            .flat_map(|(waiting, why)| waiting.iter().map(move |due| (due, why.as_str())));
        failed.chain(waiting)
    }
}

impl Due {
    pub(crate) fn from_row(row: &Item, version: u64, record: Option<usize>, written_at: Timestamp) -> Self {
        let unreadable = |error: String| Unreadable {
            row: as_json(row),
            error,
        };
        let event = EventLog::event_in(row)
            .map_err(|error| error.to_string())
            .and_then(|event| match event.metadata().sequence {
                Some(sequence) if sequence == version => Ok(event),
                other => Err(format!("its sequence is {other:?}, its row's version {version}")),
            });
        Self {
            version,
            event: event.map_err(unreadable),
            record,
            written_at,
        }
    }

    /// From a row of the table, whose event tells about when it was written.
    pub(crate) fn from_table(row: &Item, now: Timestamp) -> Option<Self> {
        let written_at = row.get("timestamp").and_then(Value::as_str);
        let written_at = written_at.and_then(|text| Timestamp::parse(text).ok()).unwrap_or(now);
        Some(Self::from_row(row, version_in(row)?, None, written_at))
    }
}

/// The texts and numbers of a row, for whoever looks into the dead-letter queue.
fn as_json(row: &Item) -> String {
    let readable = row.iter().filter_map(|(name, value)| match value {
        Value::String(text) => Some((name.clone(), serde_json::Value::from(text.as_str()))),
        Value::Number(text) => Some((name.clone(), serde_json::Value::from(text.as_str()))),
        _ => None,
    });
    serde_json::Value::Object(readable.collect()).to_string()
}
