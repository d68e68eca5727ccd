use std::collections::BTreeMap;
use std::time::Duration;

use onecommit_environment::Timestamp;

use crate::settings::CircuitSettings;

/// The fleet counts calls in windows of this length.
pub(crate) const WINDOW: Duration = Duration::from_secs(10);

/// A circuit as the fleet has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FleetCircuit {
    /// Grows by one with each change of state: the version of the event that tells of it.
    pub epoch: u64,
    /// The state.
    pub state: FleetState,
    /// How many times it has opened since it was last closed.
    pub opened: u32,
    /// How many calls have succeeded since it is half-open.
    pub successes: u32,
    /// The permits that are taken, by their number.
    pub permits: BTreeMap<u32, FleetPermit>,
    /// What was reported, by the number of the window: the time since 1970 in tens of seconds.
    pub windows: BTreeMap<u64, FleetCounts>,
}

/// The state of a fleet's circuit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FleetState {
    /// Calls are made.
    #[default]
    Closed,
    /// No call is made before this time.
    Open(Timestamp),
    /// As many calls at once as there are permits.
    HalfOpen,
    /// No call is made until an operator says otherwise.
    ForcedOpen,
    /// Calls are made, whatever becomes of them, until an operator says otherwise.
    ForcedClosed,
}

/// A permit to try the downstream, and its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetPermit {
    /// Who holds it: an id that is made for this one permit.
    pub owner: String,
    /// From then on anybody may take it.
    pub until: Timestamp,
}

/// Calls of the fleet in a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FleetCounts {
    /// Calls. A process that sees no failure, its own or another's, reports none.
    pub calls: u64,
    /// How many of them failed.
    pub failures: u64,
    /// How many of them were slow.
    pub slow: u64,
    /// How many processes have seen a failure or a slow call.
    pub reporters: u64,
}

impl FleetState {
    /// The name, as the row and the operator's command line have it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open(_) => "open",
            Self::HalfOpen => "halfOpen",
            Self::ForcedOpen => "forcedOpen",
            Self::ForcedClosed => "forcedClosed",
        }
    }
}

impl FleetCounts {
    fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.failures += other.failures;
        self.slow += other.slow;
        // One process reports in each window: the larger number is closer to how many there are.
        self.reporters = self.reporters.max(other.reporters);
    }

    /// Whether they open the circuit for the fleet. What a single process says opens its own circuit only.
    #[must_use]
    pub fn open_the_circuit(&self, settings: &CircuitSettings) -> bool {
        let nothing_works = self.failures == self.calls && self.failures >= u64::from(settings.consecutive_failures);
        self.reporters >= 2 && (nothing_works || settings.is_too_much(self.calls, self.failures, self.slow))
    }
}

/// The number of the window at this time.
pub(crate) fn window_at(now: Timestamp) -> u64 {
    u64::try_from(now.unix_ms()).unwrap_or(0) / WINDOW.as_millis() as u64
}

impl FleetCircuit {
    /// What was reported in the window at `now` and the one before.
    #[must_use]
    pub fn counts_at(&self, now: Timestamp) -> FleetCounts {
        let window = window_at(now);
        let mut counts = FleetCounts::default();
        for (_, reported) in self.windows.range(window.saturating_sub(1)..=window) {
            counts.add(*reported);
        }
        counts
    }

    /// The number of a permit that nobody holds at `now`.
    #[must_use]
    pub fn free_permit(&self, permits: u32, now: Timestamp) -> Option<u32> {
        (0..permits).find(|number| self.permits.get(number).is_none_or(|permit| permit.until <= now))
    }

    /// How long until the first of the permits ends.
    pub(crate) fn first_end(&self, now: Timestamp) -> Duration {
        let ends = self.permits.values().map(|permit| permit.until.since(now));
        ends.min().unwrap_or(Duration::ZERO)
    }

    /// Whether `owner` holds this permit.
    pub(crate) fn is_held_by(&self, number: u32, owner: &str) -> bool {
        self.permits.get(&number).is_some_and(|permit| permit.owner == owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(calls: u64, failures: u64, slow: u64, reporters: u64) -> FleetCounts {
        FleetCounts {
            calls,
            failures,
            slow,
            reporters,
        }
    }

    #[test]
    fn a_single_reporter_never_opens_the_circuit_of_the_fleet() {
        let settings = CircuitSettings::default();
        assert!(!counts(1_000, 1_000, 0, 1).open_the_circuit(&settings));
        assert!(counts(5, 5, 0, 2).open_the_circuit(&settings), "nothing works for two");
    }

    #[test]
    fn what_works_for_others_counts_against_opening() {
        let settings = CircuitSettings::default();
        assert!(!counts(400, 20, 0, 2).open_the_circuit(&settings));
        assert!(
            !counts(6, 5, 0, 2).open_the_circuit(&settings),
            "too few to judge by share"
        );
        assert!(counts(40, 20, 0, 2).open_the_circuit(&settings));
        assert!(counts(40, 0, 36, 2).open_the_circuit(&settings));
    }

    #[test]
    fn the_last_two_windows_count() {
        let now = Timestamp::from_unix_ms(1_000_000);
        let window = window_at(now);
        let circuit = FleetCircuit {
            windows: [
                (window, counts(1, 1, 0, 1)),
                (window - 1, counts(2, 2, 0, 2)),
                (window - 2, counts(9, 9, 0, 9)),
            ]
            .into(),
            ..FleetCircuit::default()
        };
        assert_eq!(circuit.counts_at(now), counts(3, 3, 0, 2));
    }
}
