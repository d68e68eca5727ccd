//! Bugs of rows that record by themselves what they have taken.

use std::sync::Arc;

use async_trait::async_trait;
use onecommit_engine::{Change, Condition, DatabaseError, Item, TableReader, TableWriter, Value, Write};
use onecommit_simulation::{Sabotage, SimulatedTables};

use super::bug::Bug;
use super::rewriting::{is_of, only_if, unconditional};
use crate::scenarios::WEIGHTS;

pub(super) const BUGS: &[Bug] = &[
    Bug::sabotage(
        "mark-dropped-early",
        "A copy changes the row again: with each new set of marks, the one before is removed.",
        |_| Arc::new(MarkDroppedEarly),
    ),
    Bug::sabotage(
        "spill-returns-early",
        "A copy changes the row again: the ledger is not asked any more as soon as the row has room.",
        |_| Arc::new(SpillReturnsEarly),
    ),
    Bug::sabotage(
        "put-over-marks",
        "A copy changes the row again: the row is put anew, without its marks.",
        |_| Arc::new(PutOverMarks),
    ),
    Bug::sabotage(
        "mark-without-condition",
        "A copy changes the row again: its mark is added whether or not it is there.",
        |_| Arc::new(MarkWithoutCondition),
    ),
];

/// The period of the set that a write adds marks to.
fn period_of(write: &Write) -> Option<u64> {
    let Write::Update(update) = write else { return None };
    update.changes().iter().find_map(|change| match change {
        Change::Add(name, Value::ByteSet(_)) if is_of(write, WEIGHTS) => name.strip_prefix("_m")?.parse().ok(),
        _ => None,
    })
}

struct MarkDroppedEarly;

impl Sabotage for MarkDroppedEarly {
    fn alter(&self, write: Write) -> Write {
        match (&write, period_of(&write)) {
            (Write::Update(update), Some(period)) => update.clone().remove(format!("_m{}", period - 1)).into(),
            _ => write,
        }
    }
}

struct SpillReturnsEarly;

impl Sabotage for SpillReturnsEarly {
    fn alter(&self, write: Write) -> Write {
        let (Some(_), Some(Condition::All(parts))) = (period_of(&write), write.condition()) else {
            return write;
        };
        let names_spill =
            |part: &Condition| matches!(part, Condition::Any(any) if any.contains(&Condition::absent("_ms")));
        let kept = parts.iter().filter(|part| !names_spill(part)).cloned().collect();
        only_if(write, Condition::All(kept))
    }
}

/// As code does that knows nothing of marks: it reads a row, and writes it as it knows it.
struct PutOverMarks;

#[async_trait]
impl Sabotage for PutOverMarks {
    async fn write(&self, tables: &SimulatedTables, write: Write) -> Result<(), DatabaseError> {
        tables.write(&write).await?;
        if period_of(&write).is_none() {
            return Ok(());
        }
        let (table, key) = (write.table(), write.key());
        let Ok(Some(row)) = tables.get(table, key).await else {
            return Ok(());
        };
        let is_same = row.iter().map(|(name, value)| Condition::equals(name, value.clone()));
        let known: Item = row
            .iter()
            .filter(|(name, _)| !name.starts_with("_m"))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let put = table.put(key.clone(), known).only_if(Condition::All(is_same.collect()));
        // It is none of the consumer's business whether that succeeds.
        let _ = tables.write(&put.into()).await;
        Ok(())
    }
}

struct MarkWithoutCondition;

impl Sabotage for MarkWithoutCondition {
    fn alter(&self, write: Write) -> Write {
        if period_of(&write).is_some() {
            unconditional(write)
        } else {
            write
        }
    }
}
