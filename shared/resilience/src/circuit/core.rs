//! The circuit of one process: a state machine without time, requests or locks of its own.

use std::time::{Duration, Instant};

use super::outcome::Outcome;
use super::window::{Counts, Window};
use crate::settings::CircuitSettings;

pub(crate) struct Core {
    state: State,
    /// Grows with each change of state: what a call says that began before is of the past.
    generation: u64,
    consecutive: u32,
    window: Window,
    /// How many times it has opened since it was last closed.
    opened: u32,
}

enum State {
    Closed,
    Open {
        until: Instant,
    },
    HalfOpen {
        leases: Vec<Lease>,
        handed_out: u64,
        successes: u32,
    },
}

struct Lease {
    id: u64,
    until: Instant,
}

/// Whether a call may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// It may, in this generation.
    Closed(u64),
    /// It may, with one of the permits.
    Probe(LocalPermit),
    /// Not before this time.
    Refused(Duration),
}

/// A permit of this process's half-open circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LocalPermit {
    generation: u64,
    id: u64,
}

/// A change of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Changed {
    Opened(Duration),
    Closed,
}

impl Core {
    pub(crate) fn new(settings: &CircuitSettings, now: Instant) -> Self {
        Self {
            state: State::Closed,
            generation: 0,
            consecutive: 0,
            window: Window::new(settings.window, now),
            opened: 0,
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) fn state_name(&self) -> &'static str {
        match self.state {
            State::Closed => "closed",
            State::Open { .. } => "open",
            State::HalfOpen { .. } => "half-open",
        }
    }

    pub(crate) fn ask(&mut self, settings: &CircuitSettings, now: Instant) -> Asked {
        if let State::Open { until } = self.state {
            if now < until {
                return Asked::Refused(until - now);
            }
            self.enter(State::HalfOpen {
                leases: Vec::new(),
                handed_out: 0,
                successes: 0,
            });
        }
        let generation = self.generation;
        match &mut self.state {
            State::Closed | State::Open { .. } => Asked::Closed(generation),
            State::HalfOpen { leases, handed_out, .. } => {
                leases.retain(|lease| now < lease.until);
                if leases.len() >= settings.permits as usize {
                    let first = leases.iter().map(|lease| lease.until).min().unwrap_or(now);
                    return Asked::Refused(first.saturating_duration_since(now));
                }
                *handed_out += 1;
                let id = *handed_out;
                leases.push(Lease {
                    id,
                    until: now + settings.permit_lease,
                });
                Asked::Probe(LocalPermit { generation, id })
            }
        }
    }

    /// Counts what a call says that was made while the circuit was closed.
    pub(crate) fn count(
        &mut self,
        settings: &CircuitSettings,
        generation: u64,
        outcome: Outcome,
        now: Instant,
    ) -> Option<Changed> {
        if generation != self.generation || !self.is_closed() || outcome == Outcome::Unknown {
            return None;
        }
        let counts = Counts {
            calls: 1,
            failures: u64::from(outcome == Outcome::Fails),
            slow: u64::from(outcome == Outcome::Slow),
        };
        self.window.add(counts, now);
        if outcome == Outcome::Works {
            self.consecutive = 0;
            return None;
        }
        if outcome == Outcome::Fails {
            self.consecutive += 1;
        } else {
            self.consecutive = 0;
        }
        let sum = self.window.sum(now);
        let opens = self.consecutive >= settings.consecutive_failures
            || settings.is_too_much(sum.calls, sum.failures, sum.slow);
        opens.then(|| self.open(settings, now))
    }

    /// Counts what a call with a permit says, and takes the permit back.
    pub(crate) fn end_probe(
        &mut self,
        settings: &CircuitSettings,
        permit: LocalPermit,
        outcome: Outcome,
        now: Instant,
    ) -> Option<Changed> {
        if permit.generation != self.generation {
            return None;
        }
        let State::HalfOpen { leases, successes, .. } = &mut self.state else {
            return None;
        };
        let held = leases.iter().position(|lease| lease.id == permit.id);
        match (outcome, held) {
            (Outcome::Fails, _) => Some(self.open(settings, now)),
            // The permit has ended, and may be somebody else's.
            (_, None) => None,
            (Outcome::Unknown, Some(place)) => {
                leases.swap_remove(place);
                None
            }
            (Outcome::Works | Outcome::Slow, Some(place)) => {
                leases.swap_remove(place);
                *successes += 1;
                (*successes >= settings.successes).then(|| {
                    self.close();
                    Changed::Closed
                })
            }
        }
    }

    /// Opens it until then, since the fleet's circuit is open.
    pub(crate) fn open_until(&mut self, until: Instant) {
        self.enter(State::Open { until });
    }

    /// Closes it, since the fleet's circuit is closed.
    pub(crate) fn close(&mut self) {
        self.opened = 0;
        self.enter(State::Closed);
    }

    fn open(&mut self, settings: &CircuitSettings, now: Instant) -> Changed {
        let length = settings.open_for(self.opened);
        self.opened = self.opened.saturating_add(1);
        self.enter(State::Open { until: now + length });
        Changed::Opened(length)
    }

    fn enter(&mut self, state: State) {
        self.state = state;
        self.generation += 1;
        self.consecutive = 0;
        self.window.clear();
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "these are tests; time is counted from any moment"
)]
mod tests {
    use super::*;

    struct Timeline {
        core: Core,
        settings: CircuitSettings,
        now: Instant,
    }

    impl Timeline {
        fn with(settings: CircuitSettings) -> Self {
            let now = Instant::now();
            Self {
                core: Core::new(&settings, now),
                settings,
                now,
            }
        }

        fn after(&mut self, seconds: u64) -> &mut Self {
            self.now += Duration::from_secs(seconds);
            self
        }

        fn ask(&mut self) -> Asked {
            self.core.ask(&self.settings, self.now)
        }

        fn permit(&mut self) -> LocalPermit {
            match self.ask() {
                Asked::Probe(permit) => permit,
                other => panic!("not a permit: {other:?}"),
            }
        }

        fn count(&mut self, outcome: Outcome) -> Option<Changed> {
            let generation = self.core.generation();
            self.core.count(&self.settings, generation, outcome, self.now)
        }

        fn end(&mut self, permit: LocalPermit, outcome: Outcome) -> Option<Changed> {
            self.core.end_probe(&self.settings, permit, outcome, self.now)
        }

        fn opened(mut self) -> Self {
            while self.core.is_closed() {
                self.count(Outcome::Fails);
            }
            self
        }
    }

    fn timeline() -> Timeline {
        Timeline::with(CircuitSettings::default())
    }

    #[test]
    fn five_failures_one_after_the_other_open_it() {
        let mut circuit = timeline();
        for _ in 0..4 {
            assert_eq!(circuit.count(Outcome::Fails), None);
        }
        circuit.count(Outcome::Works);
        for _ in 0..4 {
            assert_eq!(circuit.count(Outcome::Fails), None);
        }
        assert_eq!(
            circuit.count(Outcome::Fails),
            Some(Changed::Opened(Duration::from_secs(30)))
        );
        assert_eq!(circuit.ask(), Asked::Refused(Duration::from_secs(30)));
    }

    #[test]
    fn half_of_the_calls_failing_opens_it_from_a_minimum_of_calls_on() {
        let mut circuit = timeline();
        for _ in 0..9 {
            assert_eq!(circuit.count(Outcome::Works), None);
            assert_eq!(circuit.count(Outcome::Fails), None, "too few calls to judge");
        }
        circuit.count(Outcome::Works);
        assert!(circuit.count(Outcome::Fails).is_some());
    }

    #[test]
    fn failures_older_than_the_window_do_not_count() {
        let mut circuit = timeline();
        for _ in 0..9 {
            circuit.count(Outcome::Fails);
            circuit.count(Outcome::Works);
        }
        circuit.after(11);
        for _ in 0..9 {
            circuit.count(Outcome::Works);
            assert_eq!(circuit.count(Outcome::Fails), None);
        }
    }

    #[test]
    fn slow_calls_open_it_without_a_failure() {
        let mut circuit = timeline();
        for _ in 0..19 {
            assert_eq!(circuit.count(Outcome::Slow), None);
        }
        assert!(circuit.count(Outcome::Slow).is_some());
    }

    #[test]
    fn what_says_nothing_is_not_counted() {
        let mut circuit = timeline();
        for _ in 0..100 {
            assert_eq!(circuit.count(Outcome::Unknown), None);
        }
        for _ in 0..4 {
            circuit.count(Outcome::Fails);
            circuit.count(Outcome::Unknown);
        }
        assert!(
            circuit.count(Outcome::Fails).is_some(),
            "nor does it interrupt a row of failures"
        );
    }

    #[test]
    fn half_open_lets_three_through_and_closes_after_three_successes() {
        let mut circuit = timeline().opened();
        circuit.after(30);
        let permits = [circuit.permit(), circuit.permit(), circuit.permit()];
        assert!(matches!(circuit.ask(), Asked::Refused(_)), "a fourth");
        assert_eq!(circuit.end(permits[0], Outcome::Works), None);
        assert_eq!(circuit.end(permits[1], Outcome::Slow), None);
        assert_eq!(circuit.end(permits[2], Outcome::Works), Some(Changed::Closed));
        assert!(matches!(circuit.ask(), Asked::Closed(_)));
    }

    #[test]
    fn one_failure_opens_it_again_for_twice_as_long() {
        let mut circuit = timeline().opened();
        for seconds in [60, 120, 240, 480, 600, 600] {
            circuit.after(600);
            let permit = circuit.permit();
            let opened = Changed::Opened(Duration::from_secs(seconds));
            assert_eq!(circuit.end(permit, Outcome::Fails), Some(opened));
        }
    }

    #[test]
    fn closing_forgets_how_often_it_had_opened() {
        let mut circuit = timeline().opened();
        circuit.after(30);
        let permit = circuit.permit();
        circuit.end(permit, Outcome::Fails);
        circuit.after(60);
        for _ in 0..3 {
            let permit = circuit.permit();
            circuit.end(permit, Outcome::Works);
        }
        let mut circuit = circuit.opened();
        assert_eq!(circuit.ask(), Asked::Refused(Duration::from_secs(30)));
    }

    #[test]
    fn a_permit_that_is_not_given_back_ends() {
        let mut circuit = timeline().opened();
        circuit.after(30);
        let lost = circuit.permit();
        circuit.permit();
        circuit.permit();
        assert_eq!(circuit.ask(), Asked::Refused(Duration::from_secs(30)));
        circuit.after(30);
        circuit.permit();
        assert_eq!(circuit.end(lost, Outcome::Works), None, "it counts no more");
    }

    #[test]
    fn a_dropped_call_gives_its_permit_back() {
        let mut circuit = timeline().opened();
        circuit.after(30);
        for _ in 0..10 {
            let permit = circuit.permit();
            circuit.end(permit, Outcome::Unknown);
        }
    }

    #[test]
    fn what_began_before_a_change_says_nothing_of_the_time_after() {
        let mut circuit = timeline();
        let before = circuit.core.generation();
        circuit = circuit.opened();
        circuit.after(30);
        let permit = circuit.permit();
        for _ in 0..10 {
            let late = circuit
                .core
                .count(&circuit.settings, before, Outcome::Fails, circuit.now);
            assert_eq!(late, None);
        }
        circuit.end(permit, Outcome::Fails);
        assert_eq!(circuit.end(permit, Outcome::Works), None);
    }
}
