use std::time::Duration;

/// A call that finds a circuit not closed is noted no more often than this.
pub(crate) const NOTES: Duration = Duration::from_secs(5);

/// Who is told what becomes of a process's circuits: for metrics. It is called between a call and its answer, so it waits for
/// nothing.
pub trait Watch: Send + Sync {
    /// Takes note of it.
    fn note(&self, circuit: &str, noted: Noted);
}

/// What becomes of a circuit.
///
/// A change for the fleet is noted by the process that committed it, so the notes of all processes add up to the changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// This process has opened it for the fleet.
    FleetOpened,
    /// This process has made it half-open for the fleet.
    FleetHalfOpened,
    /// This process has closed it for the fleet.
    FleetClosed,
    /// It has opened for this process alone.
    Opened,
    /// It has closed for this process alone.
    Closed,
    /// A call found it open or half-open, whether it was made or not. Noted once in 5 s at most.
    NotClosed,
}
