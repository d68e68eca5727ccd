//! What the event stores are asked to do.

use std::fmt;

use serde_json::{Value, json};

/// Events since the last snapshot, where there is one: the middle of what a snapshot every 100 events gives.
pub(crate) const EVENTS_SINCE_SNAPSHOT: u64 = 50;
pub(crate) const WRITERS: u64 = 16;

/// How a state is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Events,
    Snapshot,
    /// The page-wise reading of cqrs-es, which its aggregates do not use.
    Pages,
}

/// One kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// So many events with each commit.
    Append { events: usize },
    /// A stream of so many events.
    Load { stream: u64, way: Way },
    /// All writers on one stream, so many events each.
    Contend { times: usize },
    /// One more event on a stream of so many.
    AppendAfterLoad { stream: u64 },
}

impl Work {
    /// The task for a contestant; what it appends goes to a stream of this name.
    pub(crate) fn task(self, new_stream: &str, times: usize) -> Value {
        match self {
            Self::Append { events } => {
                json!({ "task": "append", "stream": new_stream, "events": events, "times": times })
            }
            Self::Load { stream, way } => {
                json!({ "task": "load", "stream": stream_of(stream), "way": way.name(), "times": times })
            }
            Self::Contend { times } => {
                json!({ "task": "contend", "stream": new_stream, "writers": WRITERS, "times": times })
            }
            Self::AppendAfterLoad { stream } => {
                json!({ "task": "contend", "stream": stream_of(stream), "writers": 1, "times": 1 })
            }
        }
    }

    /// How many events one sample appends or ought to read.
    pub(crate) fn events(self) -> u64 {
        match self {
            Self::Append { events } => events as u64,
            Self::Load { stream, .. } => stream,
            Self::Contend { .. } | Self::AppendAfterLoad { .. } => 1,
        }
    }
}

/// The task that makes a stream of so many events.
pub(crate) fn seed(stream: u64) -> Value {
    let snapshot_at = stream.checked_sub(EVENTS_SINCE_SNAPSHOT);
    json!({ "task": "seed", "stream": stream_of(stream), "events": stream, "snapshotAt": snapshot_at })
}

fn stream_of(events: u64) -> String {
    format!("of-{events}")
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Snapshot => "snapshot",
            Self::Pages => "pages",
        }
    }
}

impl fmt::Display for Work {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Append { events } => write!(formatter, "append of {events}"),
            Self::Load { stream, way } => write!(formatter, "load of {stream} by {}", way.name()),
            Self::Contend { .. } => write!(formatter, "{WRITERS} writers"),
            Self::AppendAfterLoad { stream } => write!(formatter, "append to {stream}"),
        }
    }
}
