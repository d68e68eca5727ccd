//! Bugs of views kept by sequence.

use std::sync::Arc;

use async_trait::async_trait;
use onecommit_engine::{Comparison, Condition, Deadline, Delivery, ParkReason, RetryReason, Value, Verdict, Write};
use onecommit_simulation::{BatchHandler, Sabotage};

use super::bug::Bug;
use super::rewriting::{only_if, set_by, unconditional};

pub(super) const BUGS: &[Bug] = &[
    Bug::sabotage(
        "newer-gate-open",
        "A view goes back in time: a row of last values takes an event that is older than what it shows.",
        |_| Arc::new(NewerGateOpen),
    ),
    Bug::sabotage(
        "next-gate-takes-gaps",
        "A view misses an event: a row that adds up takes any newer event, not only the next.",
        |_| Arc::new(NextGateTakesGaps),
    ),
    Bug::sabotage(
        "next-gate-takes-copies",
        "A view counts an event twice: a row that adds up takes the one it took last once more.",
        |_| Arc::new(NextGateTakesCopies),
    ),
    Bug::sabotage(
        "gap-is-duplicate",
        "A view misses an event: one that comes too early for the row counts as a copy.",
        |_| Arc::new(GapIsDuplicate),
    ),
];

/// The attribute in which a row notes what it has seen.
const SEEN: &str = "seq";

/// The sequence with which an update goes through a gate, and the gate's condition.
fn gate(write: &Write) -> Option<(u64, &Condition)> {
    let sequence = set_by(write, SEEN).and_then(Value::as_u64)?;
    Some((sequence, write.condition()?))
}

/// The same for a row that adds up: it takes the next event only.
fn gate_of_next(write: &Write) -> Option<(u64, &Condition)> {
    let (sequence, condition) = gate(write)?;
    let is_next = match condition {
        Condition::Absent(name) | Condition::Compare(name, Comparison::Equal, _) => name == SEEN,
        _ => false,
    };
    is_next.then_some((sequence, condition))
}

struct NewerGateOpen;

impl Sabotage for NewerGateOpen {
    fn alter(&self, write: Write) -> Write {
        match gate(&write) {
            Some((_, Condition::Any(_))) => unconditional(write),
            _ => write,
        }
    }
}

struct NextGateTakesGaps;

impl Sabotage for NextGateTakesGaps {
    fn alter(&self, write: Write) -> Write {
        let Some((sequence, _)) = gate_of_next(&write) else {
            return write;
        };
        only_if(write, Condition::absent(SEEN).or(Condition::less(SEEN, sequence)))
    }
}

struct NextGateTakesCopies;

impl Sabotage for NextGateTakesCopies {
    fn alter(&self, write: Write) -> Write {
        let Some((sequence, condition)) = gate_of_next(&write) else {
            return write;
        };
        let open = condition.clone().or(Condition::equals(SEEN, sequence));
        only_if(write, open)
    }
}

struct GapIsDuplicate;

#[async_trait]
impl Sabotage for GapIsDuplicate {
    async fn handle(&self, handler: &dyn BatchHandler, deliveries: &[Delivery], deadline: Deadline) -> Vec<Verdict> {
        let counts = |verdict| match verdict {
            Verdict::Retry {
                reason: RetryReason::SequenceGap,
                ..
            }
            | Verdict::Park {
                reason: ParkReason::SequenceGap,
                ..
            } => Verdict::Duplicate,
            other => other,
        };
        let verdicts = handler.handle(deliveries, deadline).await;
        verdicts.into_iter().map(counts).collect()
    }
}
