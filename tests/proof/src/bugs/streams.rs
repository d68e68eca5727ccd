//! Bugs of appending to the event store.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use onecommit_engine::{
    Cancellation, DatabaseError, EventLog, Item, Page, Put, Query, Table, TableReader, TableWriter, Value, Write,
};
use onecommit_event::Metadata;
use onecommit_simulation::{EVENTS, Sabotage, SimulatedTables};

use super::bug::Bug;
use super::rewriting::is_of;

pub(super) const BUGS: &[Bug] = &[
    Bug::sabotage(
        "stale-decision",
        "An aggregate breaks its own rule: after a lost race the same decision is appended at the new end.",
        |_| Arc::new(StaleDecision::default()),
    ),
    Bug::sabotage(
        "conflict-is-success",
        "Events that were promised are not there: an append that lost its race counts as landed.",
        |_| Arc::new(ConflictIsSuccess),
    ),
    Bug::sabotage(
        "lost-answer-is-conflict",
        "Something happens twice: an append whose answer was lost is not recognised, and decided anew.",
        |_| Arc::new(LostAnswerIsConflict),
    ),
];

/// Also for a caller that names the version at which to append, if the process has read the stream from its beginning.
/// It remembers those streams: others append without a decision.
#[derive(Default)]
struct StaleDecision(Mutex<HashSet<String>>);

#[async_trait]
impl Sabotage for StaleDecision {
    async fn query(&self, tables: &SimulatedTables, query: &Query) -> Result<Page, DatabaseError> {
        let is_from_beginning = query.bounds().is_some_and(|(_, least, _)| least.as_u64() == Some(1));
        if let (EVENTS, true, Some(stream)) = (query.table().name(), is_from_beginning, query.partition().1.as_str()) {
            let mut decided_on = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            decided_on.insert(stream.to_owned());
        }
        tables.query(query).await
    }

    async fn write(&self, tables: &SimulatedTables, mut write: Write) -> Result<(), DatabaseError> {
        loop {
            let answer = tables.write(&write).await;
            match one_later(&write, &answer) {
                Some(later) if self.has_decided_on(&write) => write = later.into(),
                _ => return answer,
            }
        }
    }
}

impl StaleDecision {
    fn has_decided_on(&self, append: &Write) -> bool {
        let stream = append.key().attributes().first().and_then(|(_, value)| value.as_str());
        let decided_on = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stream.is_some_and(|stream| decided_on.contains(stream))
    }
}

/// The same event at the next version, if another one is at its own.
fn one_later(write: &Write, answer: &Result<(), DatabaseError>) -> Option<Put> {
    let (Write::Put(put), Err(DatabaseError::Cancelled(reasons))) = (write, answer) else {
        return None;
    };
    let [Cancellation::ConditionFailed(Some(found))] = &**reasons else {
        return None;
    };
    if !is_of(write, EVENTS) || has_one_id(found, put.item()) {
        return None;
    }
    let event = EventLog::event_in(put.item()).ok()?;
    let metadata = Metadata {
        sequence: event.metadata().sequence.map(|sequence| sequence + 1),
        ..event.metadata().clone()
    };
    Some(EventLog::new(Table::new(EVENTS)).put(&event.with_metadata(metadata)))
}

fn has_one_id(row: &Item, other: &Item) -> bool {
    let id = |row: &Item| row.get("eventId").and_then(Value::as_str).map(str::to_owned);
    id(row) == id(other)
}

struct ConflictIsSuccess;

impl Sabotage for ConflictIsSuccess {
    fn answered(&self, writes: &[Write], answer: Result<(), DatabaseError>) -> Result<(), DatabaseError> {
        match answer {
            Err(DatabaseError::Cancelled(_)) if writes.iter().all(is_append) => Ok(()),
            other => other,
        }
    }
}

fn is_append(write: &Write) -> bool {
    is_of(write, EVENTS) && matches!(write, Write::Put(_))
}

/// The row that is in the way does not tell whose it is.
struct LostAnswerIsConflict;

impl Sabotage for LostAnswerIsConflict {
    fn answered(&self, writes: &[Write], answer: Result<(), DatabaseError>) -> Result<(), DatabaseError> {
        let Err(DatabaseError::Cancelled(mut reasons)) = answer else {
            return answer;
        };
        for (write, reason) in writes.iter().zip(&mut reasons) {
            if let (true, Cancellation::ConditionFailed(Some(row))) = (is_append(write), reason) {
                row.remove("eventId");
            }
        }
        Err(DatabaseError::Cancelled(reasons))
    }
}
