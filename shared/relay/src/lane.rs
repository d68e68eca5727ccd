use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use onecommit_engine::{EventLog, Item, Value};
use onecommit_environment::Timestamp;
use onecommit_event::Event;

use crate::record::{StreamRecord, key_in, version_in};

/// The events of one stream that are due, by version.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) stream: String,
    /// What is at hand: records, and a page of the rows before them.
    pub(crate) due: VecDeque<Due>,
    /// Every version up to this one that has to leave is at hand.
    pub(crate) covered: u64,
    /// After this version a row without a mark has not left: that of the first record, or the last that this process
    /// published. None in a recovery, which is for marked rows only.
    pub(crate) left_upto: Option<u64>,
    /// Of a recovery: rows are read up to this version.
    pub(crate) until: u64,
    /// Of a recovery: the versions that the index names.
    pub(crate) wanted: Vec<u64>,
    /// How many events left or were parked.
    pub(crate) done: u64,
    /// Of the first that is due.
    pub(crate) tries: Tries,
    /// Whether it is known what of its stream has left.
    pub(crate) is_started: bool,
    /// Why nothing of it leaves any more in this invocation.
    pub(crate) end: Option<End>,
}

/// How often the first event of a lane was tried, by what came of it.
#[derive(Debug, Default)]
pub(crate) struct Tries {
    /// Its destinations took nothing at all.
    pub(crate) down: u32,
    /// It did not leave, and others did; or it could not be parked.
    pub(crate) failures: u32,
    /// A destination refused it.
    pub(crate) refusals: u32,
    /// Why it is to be parked.
    pub(crate) refused: Option<String>,
    /// It is not tried before.
    pub(crate) not_before: Option<Instant>,
}

/// Versions of a stream that have left, as far as this process knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) from: u64,
    pub(crate) upto: u64,
}

impl Progress {
    /// One version.
    pub(crate) fn of(version: u64) -> Self {
        Self {
            from: version,
            upto: version,
        }
    }

    /// The same with one more. It tells nothing of versions between it and those before.
    pub(crate) fn and(self, version: u64) -> Self {
        Self {
            from: if version + 1 == self.from { version } else { self.from },
            upto: self.upto.max(version),
        }
    }
}

/// What came of the first event of a lane.
#[derive(Debug)]
pub(crate) enum Step {
    /// It left, or was parked.
    Left,
    /// A destination refuses it.
    Refused(String),
    /// A destination that lacks it takes nothing at all.
    Down(String),
    /// The destinations that lack it take others, or the dead-letter queue does not take it.
    Failed(String),
}

/// Why a lane stays behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It has to be handed in again.
    Held(String),
    /// It is stepped over: its marks stay, and a recovery tries it again.
    SteppedOver(String),
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
    /// Whether its row carries a mark, which has to go once it has left.
    pub(crate) is_marked: bool,
    /// Whether it was stepped over before.
    pub(crate) is_stuck: bool,
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
    fn new(stream: String, due: impl Into<VecDeque<Due>>) -> Self {
        let due = due.into();
        Self {
            stream,
            left_upto: due.front().map(|due| due.version),
            due,
            covered: 0,
            until: 0,
            wanted: Vec::new(),
            done: 0,
            tries: Tries::default(),
            is_started: false,
            end: None,
        }
    }

    /// A lane of a recovery, of the versions that the index names and those between them, up to `until`.
    pub(crate) fn of_index(stream: String, mut wanted: Vec<u64>, until: u64) -> Self {
        wanted.sort_unstable();
        Self {
            wanted,
            until,
            ..Self::new(stream, Vec::new())
        }
    }

    /// The first version that is known to be due.
    pub(crate) fn first(&self) -> Option<u64> {
        let at_hand = self.due.front().map(|due| due.version);
        at_hand.or_else(|| self.wanted.first().copied())
    }

    /// All versions up to this one have left.
    pub(crate) fn start_after(&mut self, left: u64) {
        self.due.retain(|due| due.version > left);
        self.covered = left;
        self.advance();
    }

    /// All versions up to this one have left, as the process knows, and none after it.
    pub(crate) fn go_on_after(&mut self, progress: Progress) {
        self.left_upto = self.left_upto.map(|left| left.min(progress.upto));
        self.start_after(progress.upto);
    }

    /// Whether the process knows from what it published itself where to go on.
    ///
    /// Events leave in order, so those before what it published have left as well when the first that is due is marked.
    /// Without a mark nobody knows: its record may have been told after those of later events.
    pub(crate) fn goes_on_after(&self, progress: Progress) -> bool {
        let is_marked = self.due.front().is_some_and(|due| due.is_marked);
        is_marked || self.first().is_none_or(|first| first >= progress.from)
    }

    /// Whether the row of a version that is not among the records has to leave before the next record.
    ///
    /// A mark says so. Where the stream's events carry none, what lies behind the first record, or behind what this process
    /// published, has not been told yet; what lies before was told to somebody else.
    pub(crate) fn has_to_publish(&self, row: &Due) -> bool {
        let next_is_marked = self.due.front().is_none_or(|next| next.is_marked);
        row.is_marked || (!next_is_marked && self.left_upto.is_some_and(|left| row.version > left))
    }

    /// What follows without a gap is covered as well.
    pub(crate) fn advance(&mut self) {
        for due in &self.due {
            if due.version > self.covered + 1 {
                break;
            }
            self.covered = self.covered.max(due.version);
        }
    }

    /// Whether something may still leave.
    pub(crate) fn is_moving(&self) -> bool {
        self.end.is_none() && (!self.due.is_empty() || self.covered < self.until)
    }

    /// The first event that is due, when all before it have left.
    pub(crate) fn ready(&self) -> Option<&Due> {
        self.due.front().filter(|due| due.version <= self.covered)
    }

    /// Whether rows have to be read before anything can leave.
    pub(crate) fn needs_rows(&self) -> bool {
        self.is_moving() && self.ready().is_none()
    }

    /// How long the first event has to wait.
    pub(crate) fn wait(&self, now: Instant) -> Duration {
        let not_before = self.tries.not_before;
        not_before.map_or(Duration::ZERO, |moment| moment.saturating_duration_since(now))
    }

    /// The first event left, or was parked.
    pub(crate) fn pass_first(&mut self) {
        self.due.pop_front();
        self.done += 1;
        self.tries = Tries::default();
    }

    /// The records that did not leave, and why.
    pub(crate) fn left_over(&self) -> impl Iterator<Item = (&Due, End)> {
        let end = self.end.iter();
        end.flat_map(|end| self.due.iter().map(move |due| (due, end.clone())))
    }

    /// Of a recovery: how many of the versions that the index names did not leave.
    pub(crate) fn wanted_left_over(&self) -> u64 {
        if self.end.is_none() {
            return 0;
        }
        let first = self.due.front().map_or(self.covered + 1, |due| due.version);
        self.wanted.iter().filter(|version| **version >= first).count() as u64
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
            is_marked: EventLog::is_pending(row),
            is_stuck: EventLog::is_stuck(row),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_index_names_and_did_not_leave_is_left_over() {
        let mut lane = Lane::of_index("Order#a".to_owned(), vec![5, 3, 1, 2], 5);
        assert_eq!(lane.first(), Some(1));
        assert_eq!(lane.wanted_left_over(), 0, "it is on its way");
        lane.start_after(2);
        assert!(lane.is_moving());
        lane.end = Some(End::Held("no time is left".to_owned()));
        assert!(!lane.is_moving());
        assert_eq!(lane.wanted_left_over(), 2);
    }

    fn row(version: u64) -> Item {
        let fields = [("stream", Value::from("Order#a")), ("version", Value::from(version))];
        let more = [("type", Value::from("Placed")), ("blob", Value::Bytes(vec![1]))];
        fields
            .into_iter()
            .chain(more)
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    fn lane_of(versions: &[u64]) -> Lane {
        let written_at = Timestamp::from_unix_ms(0);
        let record = |version: &u64| StreamRecord {
            written_at,
            row: row(*version),
        };
        let records: Vec<StreamRecord> = versions.iter().map(record).collect();
        of(&records).remove(0)
    }

    #[test]
    fn a_row_that_holds_no_event_is_kept_as_its_texts_and_numbers() {
        let lane = lane_of(&[3]);
        let unreadable = lane.due[0].event.as_ref().unwrap_err();
        let kept: serde_json::Value = serde_json::from_str(&unreadable.row).unwrap();
        let expected = serde_json::json!({"stream": "Order#a", "version": "3", "type": "Placed"});
        assert_eq!(kept, expected);
    }

    #[test]
    fn what_follows_without_a_gap_is_ready_and_the_rest_waits_for_rows() {
        let mut lane = lane_of(&[7, 4, 3, 4]);
        lane.start_after(2);
        assert_eq!((lane.first(), lane.covered), (Some(3), 4));
        for version in [3, 4] {
            assert_eq!(lane.ready().map(|due| due.version), Some(version));
            assert!(!lane.needs_rows());
            lane.pass_first();
        }
        assert_eq!(lane.done, 2);
        assert!(lane.ready().is_none());
        assert!(lane.needs_rows());
        assert_eq!(lane.left_over().count(), 0);
        lane.end = Some(End::Held("no time is left".to_owned()));
        assert!(!lane.needs_rows());
        let left_over: Vec<u64> = lane.left_over().map(|(due, _)| due.version).collect();
        assert_eq!(left_over, [7]);
    }

    #[test]
    fn a_try_that_is_put_off_is_waited_for() {
        let (mut lane, now) = (lane_of(&[1]), Instant::now());
        assert_eq!(lane.wait(now), Duration::ZERO);
        lane.tries.not_before = Some(now + Duration::from_secs(3));
        assert_eq!(lane.wait(now), Duration::from_secs(3));
        lane.pass_first();
        assert_eq!(lane.wait(now), Duration::ZERO, "of the next nothing is known");
    }
}
