//! Bugs of leases on messages.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use onecommit_engine::{
    Cancellation, Condition, DatabaseError, Deadline, Delivery, RetryReason, TableWriter, Value, Verdict, Write,
};
use onecommit_simulation::{BatchHandler, LEDGER, Outside, OutsideError, Sabotage, SimulatedTables};

use super::bug::Bug;
use super::rewriting::{is_of, is_text, only_if, set_by, unconditional};

pub(super) const BUGS: &[Bug] = &[
    Bug::sabotage(
        "lease-without-fencing",
        "A call is made twice: who has lost a lease may still end it for the one who has it now.",
        |_| Arc::new(LeaseWithoutFencing),
    ),
    Bug::sabotage(
        "lease-commit-unconditional",
        "A commit lands twice: who has lost the lease may still commit.",
        |_| Arc::new(LeaseCommitUnconditional),
    ),
    Bug::sabotage(
        "take-over-unconditional",
        "A call is made twice: two who find a lapsed lease both take it over.",
        |_| Arc::new(TakeOverUnconditional),
    ),
    Bug::sabotage(
        "taken-over-early",
        "A call is made twice: a lease is taken over before it has lapsed.",
        |_| Arc::new(TakenOverEarly),
    ),
    Bug::sabotage(
        "lease-not-renewed",
        "A call is made twice: the lease lapses while the call still runs.",
        |_| Arc::new(LeaseNotRenewed),
    ),
    Bug::sabotage(
        "leased-is-duplicate",
        "A message is dropped: one that is in somebody's hands counts as a copy, and those hands may fail.",
        |_| Arc::new(LeasedIsDuplicate),
    ),
    Bug::sabotage(
        "released-after-call",
        "A call is made twice: when the commit after it fails, the lease goes without a trace.",
        |_| Arc::new(ReleasedAfterCall::default()),
    ),
];

/// Whether a condition is that an owner still holds the lease.
fn is_held_by_owner(condition: &Condition) -> bool {
    let names_owner = |part: &Condition| matches!(part, Condition::Compare(name, ..) if name == "owner");
    matches!(condition, Condition::All(parts) if parts.iter().any(names_owner))
}

struct LeaseWithoutFencing;

impl Sabotage for LeaseWithoutFencing {
    fn alter(&self, write: Write) -> Write {
        if is_of(&write, LEDGER) && write.condition().is_some_and(is_held_by_owner) {
            return only_if(write, Condition::equals("outcome", "leased"));
        }
        write
    }
}

struct LeaseCommitUnconditional;

impl Sabotage for LeaseCommitUnconditional {
    fn alter(&self, write: Write) -> Write {
        if is_of(&write, LEDGER) && is_text(set_by(&write, "outcome"), "handled") {
            return unconditional(write);
        }
        write
    }
}

struct TakeOverUnconditional;

impl Sabotage for TakeOverUnconditional {
    fn alter(&self, write: Write) -> Write {
        if is_of(&write, LEDGER) && set_by(&write, "epoch").is_some() {
            return unconditional(write);
        }
        write
    }
}

/// Every lease looks lapsed to who finds it.
struct TakenOverEarly;

impl Sabotage for TakenOverEarly {
    fn answered(&self, writes: &[Write], answer: Result<(), DatabaseError>) -> Result<(), DatabaseError> {
        let Err(DatabaseError::Cancelled(mut reasons)) = answer else {
            return answer;
        };
        for (write, reason) in writes.iter().zip(&mut reasons) {
            if let (true, Cancellation::ConditionFailed(Some(row))) = (is_of(write, LEDGER), reason)
                && let Some(until) = row.get_mut("leaseUntil")
            {
                *until = 0.into();
            }
        }
        Err(DatabaseError::Cancelled(reasons))
    }
}

/// Until when an update of the ledger's row says that the lease holds, if that is all that it changes.
fn held_until(write: &Write) -> Option<i64> {
    let is_take_over = set_by(write, "epoch").is_some();
    let until = set_by(write, "leaseUntil").and_then(Value::as_i64);
    until.filter(|_| is_of(write, LEDGER) && !is_take_over)
}

struct LeaseNotRenewed;

#[async_trait]
impl Sabotage for LeaseNotRenewed {
    async fn write(&self, tables: &SimulatedTables, write: Write) -> Result<(), DatabaseError> {
        if held_until(&write).is_some_and(|until| until > 0) {
            return Ok(());
        }
        tables.write(&write).await
    }
}

/// One that another delivery has just taken over as well as one that it holds.
struct LeasedIsDuplicate;

#[async_trait]
impl Sabotage for LeasedIsDuplicate {
    async fn handle(&self, handler: &dyn BatchHandler, deliveries: &[Delivery], deadline: Deadline) -> Vec<Verdict> {
        let counts = |verdict| match verdict {
            Verdict::Retry {
                reason: RetryReason::Leased,
                ..
            } => Verdict::Duplicate,
            other => other,
        };
        let verdicts = handler.handle(deliveries, deadline).await;
        verdicts.into_iter().map(counts).collect()
    }
}

/// Whether the process has seen a call answered. From then on it deletes each lease that it should leave to lapse.
#[derive(Default)]
struct ReleasedAfterCall(AtomicBool);

#[async_trait]
impl Sabotage for ReleasedAfterCall {
    fn alter(&self, write: Write) -> Write {
        if held_until(&write) != Some(0) || !self.0.load(Ordering::Relaxed) {
            return write;
        }
        let delete = Write::from(write.table().delete(write.key().clone()));
        match write.condition() {
            Some(condition) => only_if(delete, condition.clone()),
            None => delete,
        }
    }

    async fn call(&self, outside: &Outside, request: String, key: Option<String>) -> Result<u64, OutsideError> {
        let answer = outside.send(request, key).await;
        if answer.is_ok() {
            self.0.store(true, Ordering::Relaxed);
        }
        answer
    }
}
