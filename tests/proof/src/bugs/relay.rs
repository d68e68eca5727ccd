//! Bugs of the relay: of what it believes of a topic, of the marks in the table of events, and of its dead-letter queue.
//!
//! They are in the processes of the relay and in its recovery only. Whoever else publishes or reads does so as ever.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use onecommit_engine::{
    Change, DatabaseError, EventLog, PENDING, Page, ParkedMessage, PendingMarks, Query, Queue, QueueError, STUCK,
    Table, TableReader, TableWriter, Write,
};
use onecommit_event::EventId;
use onecommit_publish::{Destination, DestinationError, EntryError, FailureKind, Outgoing};
use onecommit_simulation::{EVENTS, Process, Sabotage, SimulatedQueue, SimulatedTables, SimulatedTopic};

use super::bug::Bug;
use super::rewriting::Untouched;

pub(super) const BUGS: &[Bug] = &[
    Bug::sabotage(
        "failed-counts-as-left",
        "An event never leaves: one that a destination did not take for now counts as published.",
        |process| of_relay(process, FailedCountsAsLeft),
    ),
    Bug::sabotage(
        "marks-cleared-first",
        "An event never leaves, or is overtaken: the mark that it has to is cleared before it was published.",
        |process| of_relay(process, MarksClearedFirst(process.tables())),
    ),
    Bug::sabotage(
        "seen-before-publish",
        "An event never leaves: the process remembers it as published before it was.",
        |process| of_relay(process, SeenBeforePublish::default()),
    ),
    Bug::sabotage(
        "next-leaves-though-failed",
        "An event is overtaken: the next of its aggregate goes although it did not.",
        |process| of_relay(process, NextLeavesThoughFailed::default()),
    ),
    Bug::sabotage(
        "predecessors-not-looked-for",
        "An event is overtaken and then never leaves: those before the one at hand are not looked for.",
        |process| of_stream(process, PredecessorsNotLookedFor),
    ),
    Bug::sabotage(
        "restart-assumes-all-left",
        "An event is overtaken: a process that remembers nothing takes it that all before has left.",
        |process| of_stream(process, RestartAssumesAllLeft),
    ),
    Bug::sabotage(
        "recovery-passes-failed",
        "An event never leaves: what a recovery could not publish loses its mark all the same.",
        |process| of_recovery(process, RecoveryPassesFailed(process.tables())),
    ),
    Bug::sabotage(
        "refused-is-dropped",
        "An event vanishes: one that a destination refuses is not parked.",
        |process| of_relay(process, RefusedIsDropped),
    ),
    Bug::sabotage(
        "unparked-counts-as-left",
        "An event vanishes: one that the dead-letter queue did not take counts as parked.",
        |process| of_relay(process, UnparkedCountsAsLeft),
    ),
    Bug::sabotage(
        "stuck-not-marked",
        "Nobody learns of a stuck event: one that is stepped over is not put where operators look.",
        |process| of_relay(process, StuckNotMarked),
    ),
    Bug::sabotage(
        "stuck-counts-as-left",
        "An event vanishes: one that is stepped over loses its mark, and no recovery tries it again.",
        |process| of_relay(process, StuckCountsAsLeft),
    ),
];

fn of_relay(process: &Process, sabotage: impl Sabotage + 'static) -> Arc<dyn Sabotage> {
    where_it_is(is_stream(process) || is_recovery(process), sabotage)
}

fn of_stream(process: &Process, sabotage: impl Sabotage + 'static) -> Arc<dyn Sabotage> {
    where_it_is(is_stream(process), sabotage)
}

fn of_recovery(process: &Process, sabotage: impl Sabotage + 'static) -> Arc<dyn Sabotage> {
    where_it_is(is_recovery(process), sabotage)
}

fn where_it_is(is_there: bool, sabotage: impl Sabotage + 'static) -> Arc<dyn Sabotage> {
    if is_there {
        Arc::new(sabotage)
    } else {
        Arc::new(Untouched)
    }
}

fn is_stream(process: &Process) -> bool {
    process.name().starts_with("relay/")
}

fn is_recovery(process: &Process) -> bool {
    process.name() == "recovery"
}

// ------------------------------------------------------------ what the topic answers

type Answers = Result<Vec<Result<String, EntryError>>, DestinationError>;

/// For an event that was not taken.
fn as_if_taken() -> Result<String, EntryError> {
    Ok("never".to_owned())
}

fn is_for_now(blame: FailureKind) -> bool {
    blame != FailureKind::Event
}

struct FailedCountsAsLeft;

#[async_trait]
impl Sabotage for FailedCountsAsLeft {
    async fn publish(&self, topic: &SimulatedTopic, events: &[&Outgoing]) -> Answers {
        let answers = each_of(topic.send(events).await, events.len())?;
        let answer = |answer| match answer {
            Err(EntryError { blame, .. }) if is_for_now(blame) => as_if_taken(),
            other => other,
        };
        Ok(answers.into_iter().map(answer).collect())
    }
}

struct RefusedIsDropped;

#[async_trait]
impl Sabotage for RefusedIsDropped {
    async fn publish(&self, topic: &SimulatedTopic, events: &[&Outgoing]) -> Answers {
        let answer = |answer| match answer {
            Err(EntryError { blame, .. }) if !is_for_now(blame) => as_if_taken(),
            other => other,
        };
        Ok(topic.send(events).await?.into_iter().map(answer).collect())
    }
}

/// Broader than one that is remembered from one batch of records to the next: the second try of the same batch is not made
/// either.
#[derive(Default)]
struct SeenBeforePublish(Mutex<HashSet<EventId>>);

#[async_trait]
impl Sabotage for SeenBeforePublish {
    async fn publish(&self, topic: &SimulatedTopic, events: &[&Outgoing]) -> Answers {
        let is_new: Vec<bool> = events
            .iter()
            .map(|outgoing| lock(&self.0).insert(outgoing.event.id()))
            .collect();
        let new = events.iter().zip(&is_new).filter(|(_, is_new)| **is_new);
        let new: Vec<&Outgoing> = new.map(|(outgoing, _)| *outgoing).collect();
        let mut answers = match new.as_slice() {
            [] => Vec::new(),
            new => each_of(topic.send(new).await, new.len())?,
        }
        .into_iter();
        let answer = |is_new| if is_new { answers.next() } else { None };
        Ok(is_new
            .into_iter()
            .map(answer)
            .map(|answer| answer.unwrap_or_else(as_if_taken))
            .collect())
    }
}

/// One that failed is sent after those of the next request, if the process lives that long.
#[derive(Default)]
struct NextLeavesThoughFailed(Mutex<Vec<Outgoing>>);

#[async_trait]
impl Sabotage for NextLeavesThoughFailed {
    async fn publish(&self, topic: &SimulatedTopic, events: &[&Outgoing]) -> Answers {
        let set_aside = std::mem::take(&mut *lock(&self.0));
        let answers = each_of(topic.send(events).await, events.len())?;
        for outgoing in &set_aside {
            if is_failed(&topic.send(&[outgoing]).await) {
                lock(&self.0).push(outgoing.clone());
            }
        }
        let answer = |(outgoing, answer): (&&Outgoing, Result<String, EntryError>)| match answer {
            Err(EntryError { blame, .. }) if is_for_now(blame) => {
                lock(&self.0).push((*outgoing).clone());
                as_if_taken()
            }
            other => other,
        };
        Ok(events.iter().zip(answers).map(answer).collect())
    }
}

/// An answer for each event, also when the request failed as a whole for now.
fn each_of(answers: Answers, count: usize) -> Answers {
    match answers {
        Err(DestinationError { blame, message }) if is_for_now(blame) => {
            let message = || message.clone();
            Ok((0..count)
                .map(|_| {
                    Err(EntryError {
                        blame,
                        message: message(),
                    })
                })
                .collect())
        }
        other => other,
    }
}

fn is_failed(answers: &Answers) -> bool {
    answers
        .as_ref()
        .map_or(true, |answers| answers.iter().any(Result::is_err))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// ------------------------------------------------------------ marks

/// Those of the events of a request, not of all that is due.
struct MarksClearedFirst(Arc<SimulatedTables>);

#[async_trait]
impl Sabotage for MarksClearedFirst {
    async fn publish(&self, topic: &SimulatedTopic, events: &[&Outgoing]) -> Answers {
        clear_marks(&self.0, events).await;
        topic.send(events).await
    }
}

/// Those of what was tried, not of what was held back.
struct RecoveryPassesFailed(Arc<SimulatedTables>);

#[async_trait]
impl Sabotage for RecoveryPassesFailed {
    async fn publish(&self, topic: &SimulatedTopic, events: &[&Outgoing]) -> Answers {
        let answers = topic.send(events).await;
        if is_failed(&answers) {
            clear_marks(&self.0, events).await;
        }
        answers
    }
}

async fn clear_marks(tables: &SimulatedTables, events: &[&Outgoing]) {
    let keys = events.iter().filter_map(|outgoing| {
        let version = outgoing.event.metadata().sequence?;
        Some((outgoing.event.aggregate().to_string(), version))
    });
    let keys: Vec<(String, u64)> = keys.collect();
    let keys: Vec<(&str, u64)> = keys
        .iter()
        .map(|(stream, version)| (stream.as_str(), *version))
        .collect();
    // Marks that stay are cleared by the relay itself.
    let _ = tables.clear(&EventLog::new(Table::new(EVENTS)), &keys).await;
}

/// What is read forward, from the first that may not have left, carries no mark.
struct PredecessorsNotLookedFor;

#[async_trait]
impl Sabotage for PredecessorsNotLookedFor {
    async fn query(&self, tables: &SimulatedTables, query: &Query) -> Result<Page, DatabaseError> {
        let page = tables.query(query).await?;
        Ok(if query.is_backward() { page } else { without_marks(page) })
    }
}

/// What is read backward, to find the last that has left, carries no mark. Broader than to take all before the first record
/// for published: where records are so old that they may have left, they are taken for published, too.
struct RestartAssumesAllLeft;

#[async_trait]
impl Sabotage for RestartAssumesAllLeft {
    async fn query(&self, tables: &SimulatedTables, query: &Query) -> Result<Page, DatabaseError> {
        let page = tables.query(query).await?;
        Ok(if query.is_backward() { without_marks(page) } else { page })
    }
}

fn without_marks(mut page: Page) -> Page {
    for row in &mut page.rows {
        row.remove(PENDING);
    }
    page
}

/// Of the two marks, that it is pending stays.
struct StuckNotMarked;

#[async_trait]
impl Sabotage for StuckNotMarked {
    async fn write(&self, tables: &SimulatedTables, write: Write) -> Result<(), DatabaseError> {
        if marks_as_stuck(&write) {
            return Ok(());
        }
        tables.write(&write).await
    }
}

struct StuckCountsAsLeft;

impl Sabotage for StuckCountsAsLeft {
    fn alter(&self, write: Write) -> Write {
        if marks_as_stuck(&write) {
            let unmarked = write.table().update(write.key().clone()).remove(PENDING);
            return unmarked.into();
        }
        write
    }
}

fn marks_as_stuck(write: &Write) -> bool {
    let Write::Update(update) = write else { return false };
    let is_mark = |change: &Change| matches!(change, Change::Set(name, value) if name == PENDING && value.as_str() == Some(STUCK));
    write.table().name() == EVENTS && update.changes().iter().any(is_mark)
}

// ------------------------------------------------------------ the dead-letter queue

struct UnparkedCountsAsLeft;

#[async_trait]
impl Sabotage for UnparkedCountsAsLeft {
    async fn park(&self, queue: &SimulatedQueue, messages: &[ParkedMessage<'_>]) -> Vec<Result<(), QueueError>> {
        queue.park(messages).await.into_iter().map(|_| Ok(())).collect()
    }
}
