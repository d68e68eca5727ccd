//! What the driver asks of a contestant: one task a line on standard input, one answer a line on standard output. All
//! contestants of the event-store benchmark include this file.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Instant;

use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize)]
#[serde(tag = "task", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum Task {
    /// Make a stream of so many events, as fast as it goes, with one snapshot on the way.
    Seed {
        stream: String,
        events: u64,
        snapshot_at: Option<u64>,
    },
    /// Append to a new stream, so many events at once, so many times.
    Append {
        stream: String,
        events: usize,
        times: usize,
    },
    /// Make the state of a stream, so many times.
    Load { stream: String, way: Way, times: usize },
    /// Load, decide and append one event, so many times each, all writers at once on one stream.
    Contend { stream: String, writers: u32, times: usize },
}

/// How a state is made.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Way {
    /// From all events.
    Events,
    /// From the snapshot and the events since.
    Snapshot,
    /// From all events, by the page-wise reading that is meant for rebuilding views.
    Pages,
}

/// What came of a task.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    pub(crate) samples_ns: Vec<u64>,
    /// Of the last state that was loaded.
    pub(crate) events: u64,
    pub(crate) version: u64,
    pub(crate) by_writer: BTreeMap<u32, u64>,
    /// Times a caller had to start over, because what it called had given up.
    pub(crate) started_over: u64,
    pub(crate) problem: Option<String>,
}

impl Answer {
    /// Takes note of how long something took that began then.
    pub(crate) fn took(&mut self, since: Instant) {
        self.samples_ns
            .push(u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
}

/// The next task; `None` when there are no more.
pub(crate) fn next() -> Option<Task> {
    let mut line = String::new();
    match std::io::stdin().read_line(&mut line) {
        Ok(length) if length > 0 => serde_json::from_str(&line).ok(),
        _ => None,
    }
}

pub(crate) fn answer(answer: &Answer) {
    let mut out = std::io::stdout().lock();
    let line = serde_json::to_string(answer).unwrap_or_default();
    writeln!(out, "{line}").and_then(|()| out.flush()).ok();
}
