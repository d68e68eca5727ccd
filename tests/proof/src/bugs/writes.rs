//! Bugs of what a commit writes, and of what its answers are taken for.

use std::sync::Arc;

use async_trait::async_trait;
use onecommit_engine::{Cancellation, DatabaseError, Ledger, TableWriter, Transaction, Value, Write};
use onecommit_simulation::{EVENTS, LEDGER, Process, Sabotage, SimulatedTables};

use super::bug::Bug;
use super::rewriting::{at_their_places, is_failed, is_look_up, is_of, is_record, only_if, unconditional, units};

pub(super) const BUGS: &[Bug] = &[
    Bug::sabotage(
        "ledger-put-unconditional",
        "A copy changes the world again: the ledger row is put whether or not there is one.",
        |_| Arc::new(LedgerPutUnconditional),
    ),
    Bug::sabotage(
        "ledger-row-afterwards",
        "What was done may be done again: the ledger row lands in a request of its own after the handler's writes.",
        |_| Arc::new(LedgerRowAfterwards),
    ),
    Bug::sabotage(
        "events-afterwards",
        "What happened may never be told: events are appended in a request of their own after the handler's writes.",
        |process| Arc::new(EventsAfterwards(process.clone())),
    ),
    Bug::sabotage(
        "ledger-forgets-early",
        "What comes back from the dead-letter queue is handled again: ledger rows are kept for five minutes.",
        |_| Arc::new(LedgerForgetsEarly),
    ),
    Bug::sabotage(
        "unknown-commit-is-done",
        "A message is dropped: a commit that nobody knows the end of counts as landed.",
        |_| Arc::new(UnknownCommitIsDone),
    ),
    Bug::sabotage(
        "condition-failed-is-done",
        "A message is dropped: a commit counts as landed although a condition of the handler's did not hold.",
        |_| Arc::new(ConditionFailedIsDone),
    ),
    Bug::sabotage(
        "stale-commit-forced",
        "An update is lost: a commit whose conditions failed is sent once more without them, not worked out anew.",
        |process| Arc::new(StaleCommitForced(process.clone())),
    ),
    Bug::sabotage(
        "own-condition-before-claim",
        "A copy is parked: a failed condition of the handler's outweighs that the message was handled before, by its commit or before it.",
        |_| Arc::new(OwnConditionBeforeClaim),
    ),
    Bug::sabotage(
        "append-unconditional",
        "An event vanishes: one is put over the other that was appended at its version meanwhile.",
        |_| Arc::new(AppendUnconditional),
    ),
];

struct LedgerPutUnconditional;

impl Sabotage for LedgerPutUnconditional {
    fn alter(&self, write: Write) -> Write {
        if is_record(&write) { unconditional(write) } else { write }
    }
}

/// Those of all messages that share the transaction.
struct LedgerRowAfterwards;

#[async_trait]
impl Sabotage for LedgerRowAfterwards {
    async fn transact(&self, tables: &SimulatedTables, mut transaction: Transaction) -> Result<(), DatabaseError> {
        let mut records = Vec::new();
        for write in &mut transaction.writes {
            if let (true, Some(condition)) = (is_record(write), write.condition()) {
                let check = write.table().check(write.key().clone(), condition.clone());
                records.push(std::mem::replace(write, check.into()));
            }
        }
        tables.transact(&transaction).await?;
        for record in records {
            // What the code would not learn of, it cannot repeat.
            let _ = tables.write(&record).await;
        }
        Ok(())
    }
}

struct EventsAfterwards(Process);

#[async_trait]
impl Sabotage for EventsAfterwards {
    async fn transact(&self, tables: &SimulatedTables, mut transaction: Transaction) -> Result<(), DatabaseError> {
        let is_sent = |write: &Write| !is_of(write, EVENTS);
        let places: Vec<bool> = transaction.writes.iter().map(is_sent).collect();
        if places.iter().all(|is_sent| *is_sent == places[0]) {
            return tables.transact(&transaction).await;
        }
        let (first, events): (Vec<Write>, Vec<Write>) = transaction.writes.into_iter().partition(is_sent);
        transaction.writes = first;
        at_their_places(tables.transact(&transaction).await, &places)?;
        let later = Transaction {
            token: self.0.environment().ids().next(),
            writes: events,
        };
        let _ = tables.transact(&later).await;
        Ok(())
    }
}

struct LedgerForgetsEarly;

/// The time between five minutes and that for which a row is kept, its margin included.
const FORGETS_EARLIER_S: i64 = Ledger::RETENTION.as_secs() as i64 + 3600 - 300;

impl Sabotage for LedgerForgetsEarly {
    fn alter(&self, write: Write) -> Write {
        let Write::Put(put) = &write else { return write };
        let kept_until = put.item().get("ttl").and_then(Value::as_i64);
        let (true, Some(kept_until)) = (is_of(&write, LEDGER), kept_until) else {
            return write;
        };
        let mut row = put.item().clone();
        row.insert("ttl".to_owned(), (kept_until - FORGETS_EARLIER_S).into());
        let forgets = Write::from(write.table().put(write.key().clone(), row));
        match write.condition() {
            Some(condition) => only_if(forgets, condition.clone()),
            None => forgets,
        }
    }
}

/// At the first request: it is not repeated to learn more.
struct UnknownCommitIsDone;

impl Sabotage for UnknownCommitIsDone {
    fn answered(&self, writes: &[Write], answer: Result<(), DatabaseError>) -> Result<(), DatabaseError> {
        match answer {
            Err(DatabaseError::Transient(..)) if writes.iter().any(is_record) => Ok(()),
            other => other,
        }
    }
}

/// Whether some conditions failed, and none of a record: then no message was handled before.
fn lost_by_conditions_alone(writes: &[Write], answer: &Result<(), DatabaseError>) -> bool {
    let Err(DatabaseError::Cancelled(reasons)) = answer else {
        return false;
    };
    let failed = || writes.iter().zip(reasons).filter(|(_, reason)| is_failed(reason));
    writes.iter().any(is_record) && failed().count() > 0 && !failed().any(|(write, _)| is_record(write))
}

/// The messages that shared the transaction count as handled, too.
struct ConditionFailedIsDone;

impl Sabotage for ConditionFailedIsDone {
    fn answered(&self, writes: &[Write], answer: Result<(), DatabaseError>) -> Result<(), DatabaseError> {
        if lost_by_conditions_alone(writes, &answer) {
            Ok(())
        } else {
            answer
        }
    }
}

/// With the writes of the messages that shared the transaction.
struct StaleCommitForced(Process);

#[async_trait]
impl Sabotage for StaleCommitForced {
    async fn transact(&self, tables: &SimulatedTables, transaction: Transaction) -> Result<(), DatabaseError> {
        let answer = tables.transact(&transaction).await;
        if !lost_by_conditions_alone(&transaction.writes, &answer) {
            return answer;
        }
        let is_sent = |write: &Write| !matches!(write, Write::Check(_));
        let places: Vec<bool> = transaction.writes.iter().map(is_sent).collect();
        let force = |write: Write| if is_record(&write) { write } else { unconditional(write) };
        let forced = Transaction {
            token: self.0.environment().ids().next(),
            writes: transaction.writes.into_iter().filter(is_sent).map(force).collect(),
        };
        at_their_places(tables.transact(&forced).await, &places)
    }
}

struct OwnConditionBeforeClaim;

impl Sabotage for OwnConditionBeforeClaim {
    fn answered(&self, writes: &[Write], answer: Result<(), DatabaseError>) -> Result<(), DatabaseError> {
        let Err(DatabaseError::Cancelled(mut reasons)) = answer else {
            return answer;
        };
        if let ([look_up], [Cancellation::ConditionFailed(found)]) = (writes, &mut *reasons)
            && is_look_up(look_up)
        {
            *found = None;
        }
        for unit in units(writes) {
            if reasons
                .get(unit.clone())
                .is_some_and(|own| own.iter().skip(1).any(is_failed))
            {
                reasons[unit.start] = Cancellation::None;
            }
        }
        Err(DatabaseError::Cancelled(reasons))
    }
}

struct AppendUnconditional;

impl Sabotage for AppendUnconditional {
    fn alter(&self, write: Write) -> Write {
        match write {
            append @ Write::Put(_) if is_of(&append, EVENTS) => unconditional(append),
            other => other,
        }
    }
}
