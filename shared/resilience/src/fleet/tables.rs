use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use onecommit_engine::{
    Cancellation, DatabaseError, EventLog, RetryPolicy, Table, TableReader, TableWriter, Transaction, Update,
};
use onecommit_environment::{Environment, Timestamp, retry};
use onecommit_event::{Aggregate, Event, EventError, EventId, Metadata, NewEvent};

use super::circuits::{Circuits, Report, Step, Transition};
use super::events::{CircuitClosed, CircuitForced, CircuitHalfOpened, CircuitOpened};
use super::row;
use super::state::{FleetCircuit, FleetPermit};

/// A transaction whose answer was lost is sent again with its token, which changes nothing more.
const TRANSACTIONS: RetryPolicy = RetryPolicy::new(3, 25, 100);

/// Circuits in a table, and their changes as events in the event log.
///
/// A change of state is one commit: the row, if its epoch is the one that was seen, and the event whose version is the next
/// epoch.
#[derive(Clone)]
pub struct TableCircuits<D> {
    database: Arc<D>,
    table: Table,
    log: EventLog,
    environment: Environment,
}

impl<D: TableReader + TableWriter> TableCircuits<D> {
    /// Circuits in `table`, whose only key is `pk`, and events in `log`.
    #[must_use]
    pub fn new(database: Arc<D>, table: Table, log: EventLog, environment: Environment) -> Self {
        Self {
            database,
            table,
            log,
            environment,
        }
    }

    /// All circuits of the table, by name. It reads the whole table: for an operator, not for a call.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn list(&self) -> Result<BTreeMap<String, FleetCircuit>, DatabaseError> {
        let mut circuits = BTreeMap::new();
        let mut next = Some(self.table.scan().only(row::is_a_circuit()));
        while let Some(scan) = next {
            let page = self.database.scan(&scan).await?;
            for found in &page.rows {
                if let Some(name) = row::name_in(found) {
                    circuits.insert(name.to_owned(), row::read(Some(found)));
                }
            }
            next = page.next;
        }
        Ok(circuits)
    }

    async fn write(&self, circuit: &str, update: Update, after: FleetCircuit) -> Result<Step, DatabaseError> {
        match self.database.write(&update.into()).await {
            Ok(()) => Ok(Step::Done(after)),
            Err(error) => self.refused(circuit, error).await,
        }
    }

    /// The circuit for which a condition did not hold.
    async fn refused(&self, circuit: &str, error: DatabaseError) -> Result<Step, DatabaseError> {
        let DatabaseError::Cancelled(reasons) = &error else {
            return Err(error);
        };
        if let Some(Cancellation::ConditionFailed(Some(found))) = reasons.first() {
            return Ok(Step::Refused(row::read(Some(found))));
        }
        if !reasons
            .iter()
            .any(|reason| matches!(reason, Cancellation::ConditionFailed(_)))
        {
            return Err(error);
        }
        let found = self.database.get(&self.table, &row::key(circuit)).await?;
        Ok(Step::Refused(row::read(found.as_ref())))
    }

    fn event(
        &self,
        circuit: &str,
        after: &FleetCircuit,
        before: &FleetCircuit,
        transition: &Transition,
    ) -> Result<Event, EventError> {
        let forced = |by: &String| {
            NewEvent::of(&CircuitForced {
                state: after.state.name().to_owned(),
                by: by.clone(),
            })
        };
        let new = match transition {
            Transition::Open(until, counts) => NewEvent::of(&CircuitOpened {
                until: until.to_string(),
                opened: after.opened,
                calls: counts.calls,
                failures: counts.failures,
                slow: counts.slow,
                reporters: counts.reporters,
            }),
            Transition::HalfOpen(..) => NewEvent::of(&CircuitHalfOpened {}),
            Transition::Close(..) => NewEvent::of(&CircuitClosed {
                successes: before.successes + 1,
            }),
            Transition::ForceOpen(by) | Transition::ForceClosed(by) | Transition::Release(by) => forced(by),
        }?;
        let id = EventId::new(&self.environment);
        let metadata = Metadata {
            sequence: Some(after.epoch),
            ..Metadata::starting(id.to_string())
        };
        Event::from_new(new.with_id(id), stream_of(circuit)?, metadata, &self.environment)
    }
}

/// The stream of a circuit's events.
pub(crate) fn stream_of(circuit: &str) -> Result<Aggregate, EventError> {
    Aggregate::new("Circuit", circuit)
}

#[async_trait]
impl<D: TableReader + TableWriter> Circuits for TableCircuits<D> {
    async fn look(&self, circuit: &str) -> Result<FleetCircuit, DatabaseError> {
        let found = self.database.get_eventually(&self.table, &row::key(circuit)).await?;
        Ok(row::read(found.as_ref()))
    }

    async fn report(&self, circuit: &str, seen: &FleetCircuit, report: &Report) -> Result<Step, DatabaseError> {
        let (update, after) = row::report(&self.table, circuit, seen, report);
        self.write(circuit, update, after).await
    }

    async fn lease(
        &self,
        circuit: &str,
        seen: &FleetCircuit,
        number: u32,
        owner: &str,
        until: Timestamp,
    ) -> Result<Step, DatabaseError> {
        let permit = FleetPermit {
            owner: owner.to_owned(),
            until,
        };
        let now = self.environment.clock().now();
        let (update, after) = row::lease(&self.table, circuit, seen, number, permit, now);
        self.write(circuit, update, after).await
    }

    async fn succeed(
        &self,
        circuit: &str,
        seen: &FleetCircuit,
        number: u32,
        owner: &str,
        needed: u32,
    ) -> Result<Step, DatabaseError> {
        let (update, after) = row::succeed(&self.table, circuit, seen, number, owner, needed);
        self.write(circuit, update, after).await
    }

    async fn change(&self, circuit: &str, seen: &FleetCircuit, transition: &Transition) -> Result<Step, DatabaseError> {
        let now = self.environment.clock().now();
        let (update, after) = row::change(&self.table, circuit, seen, transition, now);
        let event = self.event(circuit, &after, seen, transition);
        let event = event.map_err(|error| DatabaseError::Rejected(Box::new(error)))?;
        let writes = vec![update.into(), self.log.put(&event).into()];
        let transaction = Transaction::checked(self.environment.ids().next(), writes)
            .map_err(|fault| DatabaseError::Rejected(Box::new(fault)))?;
        let sent = retry(&self.environment, TRANSACTIONS, || self.database.transact(&transaction)).await;
        match sent {
            Ok(()) => Ok(Step::Done(after)),
            Err(error) => self.refused(circuit, error).await,
        }
    }
}

impl<D> std::fmt::Debug for TableCircuits<D> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("TableCircuits")
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}
