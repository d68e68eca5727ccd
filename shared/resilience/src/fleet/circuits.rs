use std::sync::Arc;

use async_trait::async_trait;
use onecommit_engine::DatabaseError;
use onecommit_environment::Timestamp;

use super::state::{FleetCircuit, FleetCounts};

/// The port through which processes share circuits. Every change is fenced by the epoch of the circuit that was seen, so what is
/// decided on an older state changes nothing.
#[async_trait]
pub trait Circuits: Send + Sync {
    /// The circuit, perhaps as it was a moment ago. One of which nothing was ever reported is closed.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn look(&self, circuit: &str) -> Result<FleetCircuit, DatabaseError>;

    /// Adds what a process has counted, without a change of state.
    ///
    /// It is refused when the state has changed, and when the fleet's failures or slow calls reach `report.look_at`: the process
    /// that would pass this number is given the circuit instead, and decides whether it opens.
    ///
    /// After a crash or a lost answer it is unknown whether it was added; it is not sent again, since too few failures
    /// open a circuit late and too many open it without a reason.
    ///
    /// # Errors
    /// When it cannot be written.
    async fn report(&self, circuit: &str, seen: &FleetCircuit, report: &Report) -> Result<Step, DatabaseError>;

    /// Takes the permit `number` of a half-open circuit until `until`, if nobody holds it.
    ///
    /// After a crash or a lost answer the permit may be taken; it ends at `until`.
    ///
    /// # Errors
    /// When it cannot be written.
    async fn lease(
        &self,
        circuit: &str,
        seen: &FleetCircuit,
        number: u32,
        owner: &str,
        until: Timestamp,
    ) -> Result<Step, DatabaseError>;

    /// Gives the permit back, and counts a success. It is refused when the permit is not held by `owner`, and for the last
    /// success that the circuit needs (`needed`): that one closes it.
    ///
    /// After a crash before it, the permit ends by itself; after a lost answer, the success may count or not.
    ///
    /// # Errors
    /// When it cannot be written.
    async fn succeed(
        &self,
        circuit: &str,
        seen: &FleetCircuit,
        number: u32,
        owner: &str,
        needed: u32,
    ) -> Result<Step, DatabaseError>;

    /// Changes the state and appends the event that tells of it, in one transaction.
    ///
    /// A crash before: nothing happened. A crash after: the state and its event are there, and every process sees them with its next
    /// look.
    ///
    /// # Errors
    /// When it cannot be written.
    async fn change(&self, circuit: &str, seen: &FleetCircuit, transition: &Transition) -> Result<Step, DatabaseError>;
}

/// What a process has counted in a window since its last report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// The number of the window.
    pub window: u64,
    /// What to add. `reporters` is 1 with the first failure or slow call of this process in the window, and 0 else.
    pub counts: FleetCounts,
    /// The number of failures or slow calls in the window at which the circuit is to be looked at.
    pub look_at: u64,
}

/// A change of state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transition {
    /// Opens until then, because of these calls.
    Open(Timestamp, FleetCounts),
    /// Tries the downstream again. The permit 0 is this owner's, until then.
    HalfOpen(String, Timestamp),
    /// Closes after the last success that it takes, with this permit of this owner.
    Close(u32, String),
    /// An operator forces it open.
    ForceOpen(String),
    /// An operator forces it closed.
    ForceClosed(String),
    /// An operator lets it decide by itself again, from closed on.
    Release(String),
}

/// What became of a write.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// It was done; the circuit as it is now, as far as this process knows.
    Done(FleetCircuit),
    /// It was refused: the circuit is another than the one that was seen.
    Refused(FleetCircuit),
}

#[async_trait]
impl<C: Circuits + ?Sized> Circuits for Arc<C> {
    async fn look(&self, circuit: &str) -> Result<FleetCircuit, DatabaseError> {
        (**self).look(circuit).await
    }

    async fn report(&self, circuit: &str, seen: &FleetCircuit, report: &Report) -> Result<Step, DatabaseError> {
        (**self).report(circuit, seen, report).await
    }

    async fn lease(
        &self,
        circuit: &str,
        seen: &FleetCircuit,
        number: u32,
        owner: &str,
        until: Timestamp,
    ) -> Result<Step, DatabaseError> {
        (**self).lease(circuit, seen, number, owner, until).await
    }

    async fn succeed(
        &self,
        circuit: &str,
        seen: &FleetCircuit,
        number: u32,
        owner: &str,
        needed: u32,
    ) -> Result<Step, DatabaseError> {
        (**self).succeed(circuit, seen, number, owner, needed).await
    }

    async fn change(&self, circuit: &str, seen: &FleetCircuit, transition: &Transition) -> Result<Step, DatabaseError> {
        (**self).change(circuit, seen, transition).await
    }
}
