//! Bugs of circuits and of leased tokens.

use std::sync::Arc;

use async_trait::async_trait;
use onecommit_engine::{Change, DatabaseError, TableWriter, Transaction, Value, Write};
use onecommit_simulation::{Sabotage, SimulatedTables};

use super::bug::Bug;
use super::rewriting::{is_of, is_text, set_by, unconditional, with_changes};
use crate::scenarios::{CIRCUITS, LIMITS};

pub(super) const BUGS: &[Bug] = &[
    Bug::sabotage(
        "circuit-closed-without-epoch",
        "A circuit closes that should be open: who closes it late overwrites that it has opened again.",
        |_| Arc::new(ClosedWithoutEpoch),
    ),
    Bug::sabotage(
        "permit-not-returned",
        "A circuit stays half-open too long: a permit that was used is not given back.",
        |_| Arc::new(PermitNotReturned),
    ),
    Bug::sabotage(
        "permit-without-end",
        "A circuit stays half-open for ever: the permit of a process that ended never ends.",
        |_| Arc::new(PermitWithoutEnd),
    ),
    Bug::sabotage(
        "circuit-without-event",
        "Nobody learns that a circuit has opened: its state changes without the event.",
        |_| Arc::new(CircuitWithoutEvent),
    ),
    Bug::sabotage(
        "tokens-leased-unconditionally",
        "A rate limit is exceeded: tokens are leased though none are left.",
        |_| Arc::new(TokensLeasedUnconditionally),
    ),
];

fn closes_a_circuit(write: &Write) -> bool {
    is_of(write, CIRCUITS) && is_text(set_by(write, "state"), "closed")
}

struct ClosedWithoutEpoch;

#[async_trait]
impl Sabotage for ClosedWithoutEpoch {
    async fn transact(&self, tables: &SimulatedTables, mut transaction: Transaction) -> Result<(), DatabaseError> {
        if transaction.writes.iter().any(closes_a_circuit) {
            transaction.writes = transaction.writes.into_iter().map(unconditional).collect();
        }
        tables.transact(&transaction).await
    }
}

fn is_of_a_permit(change: &Change) -> bool {
    change.attribute().starts_with("p#") || change.attribute().starts_with("o#")
}

struct PermitNotReturned;

impl Sabotage for PermitNotReturned {
    fn alter(&self, write: Write) -> Write {
        if !is_of(&write, CIRCUITS) || set_by(&write, "state").is_some() {
            return write;
        }
        with_changes(write, |change| match change {
            Change::Remove(_) if is_of_a_permit(&change) => None,
            other => Some(other),
        })
    }
}

const FAR_AWAY_MS: i64 = 4_000_000_000_000;

struct PermitWithoutEnd;

impl Sabotage for PermitWithoutEnd {
    fn alter(&self, write: Write) -> Write {
        if !is_of(&write, CIRCUITS) {
            return write;
        }
        with_changes(write, |change| match change {
            Change::Set(name, _) if name.starts_with("p#") => Some(Change::Set(name, Value::from(FAR_AWAY_MS))),
            other => Some(other),
        })
    }
}

struct CircuitWithoutEvent;

#[async_trait]
impl Sabotage for CircuitWithoutEvent {
    async fn transact(&self, tables: &SimulatedTables, mut transaction: Transaction) -> Result<(), DatabaseError> {
        if transaction.writes.iter().any(|write| is_of(write, CIRCUITS)) {
            transaction.writes.retain(|write| is_of(write, CIRCUITS));
        }
        tables.transact(&transaction).await
    }
}

struct TokensLeasedUnconditionally;

impl Sabotage for TokensLeasedUnconditionally {
    fn alter(&self, write: Write) -> Write {
        if is_of(&write, LIMITS) {
            unconditional(write)
        } else {
            write
        }
    }
}
