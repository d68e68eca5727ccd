//! Bugs of commits that share a transaction.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use onecommit_engine::{Cancellation, DatabaseError, TableWriter, Transaction, Write};
use onecommit_simulation::{Sabotage, SimulatedTables};

use super::bug::Bug;
use super::rewriting::{at_their_places, units};

pub(super) const BUGS: &[Bug] = &[
    Bug::sabotage(
        "company-counts-as-landed",
        "Messages are dropped: those that shared a cancelled transaction without being to blame count as landed.",
        |_| Arc::new(CompanyCountsAsLanded::default()),
    ),
    Bug::sabotage(
        "reasons-of-neighbour",
        "A message is parked or dropped for another: the reasons of a cancelled group are dealt out from its end.",
        |_| Arc::new(ReasonsOfNeighbour),
    ),
];

/// When the engine sends them once more, they are answered without being sent.
#[derive(Default)]
struct CompanyCountsAsLanded(Mutex<HashSet<String>>);

impl CompanyCountsAsLanded {
    /// Which of the writes are to be sent.
    fn places(&self, writes: &[Write]) -> Vec<bool> {
        let landed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut places = vec![true; writes.len()];
        for unit in units(writes) {
            if landed.contains(&writes[unit.start].target()) {
                places[unit].fill(false);
            }
        }
        places
    }

    fn learn(&self, writes: &[Write], reasons: &[Cancellation]) {
        let is_innocent = |reason: &Cancellation| *reason == Cancellation::None;
        if reasons.len() != writes.len() || reasons.iter().all(is_innocent) {
            return;
        }
        let units = units(writes).into_iter();
        let innocent = units.filter(|unit| reasons[unit.clone()].iter().all(is_innocent));
        let mut landed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        landed.extend(innocent.map(|unit| writes[unit.start].target()));
    }
}

#[async_trait]
impl Sabotage for CompanyCountsAsLanded {
    async fn transact(&self, tables: &SimulatedTables, transaction: Transaction) -> Result<(), DatabaseError> {
        let places = self.places(&transaction.writes);
        let sent = transaction.writes.iter().zip(&places).filter(|(_, is_sent)| **is_sent);
        let sent = Transaction {
            writes: sent.map(|(write, _)| write.clone()).collect(),
            token: transaction.token,
        };
        if sent.writes.is_empty() {
            return Ok(());
        }
        let answer = at_their_places(tables.transact(&sent).await, &places);
        if let Err(DatabaseError::Cancelled(reasons)) = &answer {
            self.learn(&transaction.writes, reasons);
        }
        answer
    }

    async fn write(&self, tables: &SimulatedTables, write: Write) -> Result<(), DatabaseError> {
        match &*self.places(std::slice::from_ref(&write)) {
            [false] => Ok(()),
            _ => tables.write(&write).await,
        }
    }
}

struct ReasonsOfNeighbour;

impl Sabotage for ReasonsOfNeighbour {
    fn answered(&self, writes: &[Write], answer: Result<(), DatabaseError>) -> Result<(), DatabaseError> {
        let Err(DatabaseError::Cancelled(reasons)) = answer else {
            return answer;
        };
        if reasons.len() != writes.len() {
            return Err(DatabaseError::Cancelled(reasons));
        }
        let (mut rest, mut dealt) = (&reasons[..], Vec::with_capacity(reasons.len()));
        for unit in units(writes) {
            let (others, own) = rest.split_at(rest.len() - unit.len());
            dealt.extend_from_slice(own);
            rest = others;
        }
        // What is of no message stays where it was.
        dealt.extend_from_slice(rest);
        Err(DatabaseError::Cancelled(dealt))
    }
}
