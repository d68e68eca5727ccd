//! What a process knows and has counted: the state behind the lock of a circuit.

use std::time::{Duration, Instant};

use onecommit_environment::Timestamp;

use super::core::{Asked, Changed, Core, LocalPermit};
use super::outcome::Outcome;
use super::watch::NOTES;
use crate::fleet::{FleetCircuit, FleetCounts, FleetState, Report};
use crate::settings::CircuitSettings;

/// The fleet's circuit is read this often.
const LOOKS: Duration = Duration::from_secs(5);
/// What was counted is reported no more often than this.
const REPORTS: Duration = Duration::from_secs(1);
/// A table that did not answer is left alone for so long; this process's own circuit decides meanwhile.
const AWAY: Duration = Duration::from_secs(5);

pub(crate) struct Local {
    pub(crate) core: Core,
    /// Nothing for a circuit that no fleet shares.
    pub(crate) fleet: Option<Fleet>,
    next_note: Instant,
}

pub(crate) struct Fleet {
    pub(crate) seen: FleetCircuit,
    has_looked: bool,
    next_look: Instant,
    next_report: Instant,
    away_until: Option<Instant>,
    /// The epoch of an open circuit that this process has found to work again, while the table did not answer.
    disowned: Option<u64>,
    counted: FleetCounts,
    counted_in: u64,
    has_reported_in: Option<u64>,
    look_at: u64,
    /// Others fail: this process's successes are told as well, so that the fleet's share of failures is right.
    failing_until: Option<Instant>,
    /// A permit whose call was dropped: the next call uses it.
    kept: Option<HeldPermit>,
}

/// A permit of the fleet, and who holds it.
#[derive(Clone, Debug)]
pub(crate) struct HeldPermit {
    pub(crate) epoch: u64,
    pub(crate) number: u32,
    pub(crate) owner: String,
    pub(crate) until: Timestamp,
}

/// What a call is made with.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Of a closed circuit, in this generation.
    Closed(u64),
    /// An operator has forced the circuit closed: nothing is counted.
    Forced,
    /// Of this process's half-open circuit.
    Probe(LocalPermit),
    /// Of the fleet's half-open circuit.
    FleetProbe(HeldPermit),
}

/// How to go on with a call.
pub(crate) enum Next {
    /// Make it, as of this generation of the own circuit.
    Call(u64),
    /// Make it, and count nothing.
    CallForced,
    /// Make it with a permit of the own circuit.
    Probe(LocalPermit),
    /// Make it with this permit of the fleet.
    FleetProbe(HeldPermit),
    /// Do not make it before this time.
    Refuse(Duration),
    /// Ask how the fleet's circuit is.
    Look,
    /// The fleet's circuit has been open for long enough.
    TryAgain(FleetCircuit),
    /// Take this permit.
    Lease(FleetCircuit, u32),
}

/// What to do beside the next call.
pub(crate) enum Beside {
    Look,
    Report(FleetCircuit, Report),
}

/// The time, both ways.
#[derive(Clone, Copy)]
pub(crate) struct Now {
    pub(crate) instant: Instant,
    pub(crate) time: Timestamp,
}

impl Local {
    pub(crate) fn new(settings: &CircuitSettings, is_shared: bool, now: Instant) -> Self {
        Self {
            core: Core::new(settings, now),
            next_note: now,
            fleet: is_shared.then(|| Fleet {
                seen: FleetCircuit::default(),
                has_looked: false,
                next_look: now,
                next_report: now,
                away_until: None,
                disowned: None,
                counted: FleetCounts::default(),
                counted_in: 0,
                has_reported_in: None,
                look_at: u64::from(settings.consecutive_failures),
                failing_until: None,
                kept: None,
            }),
        }
    }

    /// Whether calls are made without a further question.
    pub(crate) fn is_closed(&self) -> bool {
        self.core.is_closed() && self.fleet.as_ref().is_none_or(Fleet::is_closed)
    }

    /// Whether it is time to note again that the circuit is not closed; it counts as noted.
    pub(crate) fn is_to_be_noted(&mut self, now: Now) -> bool {
        let is_due = now.instant >= self.next_note;
        if is_due {
            self.next_note = now.instant + NOTES;
        }
        is_due
    }

    pub(crate) fn next(&mut self, settings: &CircuitSettings, now: Now) -> Next {
        let of_the_fleet = self.fleet.as_mut().and_then(|fleet| fleet.next(settings, now));
        of_the_fleet.unwrap_or_else(|| match self.core.ask(settings, now.instant) {
            Asked::Closed(generation) => Next::Call(generation),
            Asked::Probe(permit) => Next::Probe(permit),
            Asked::Refused(after) => Next::Refuse(after),
        })
    }

    /// Counts what a call says that was made while the circuit was closed.
    pub(crate) fn count(
        &mut self,
        settings: &CircuitSettings,
        generation: u64,
        outcome: Outcome,
        now: Now,
    ) -> Option<Changed> {
        let is_current = generation == self.core.generation();
        if let Some(fleet) = self.fleet.as_mut().filter(|_| is_current) {
            fleet.count(settings, outcome, now);
        }
        self.core.count(settings, generation, outcome, now.instant)
    }

    pub(crate) fn end_probe(
        &mut self,
        settings: &CircuitSettings,
        permit: LocalPermit,
        outcome: Outcome,
        now: Now,
    ) -> Option<Changed> {
        let changed = self.core.end_probe(settings, permit, outcome, now.instant);
        if let (Some(Changed::Closed), Some(fleet)) = (changed, &mut self.fleet)
            && matches!(fleet.seen.state, FleetState::Open(_) | FleetState::HalfOpen)
        {
            fleet.disowned = Some(fleet.seen.epoch);
        }
        changed
    }

    /// Takes over what the table says. What is older than what was seen is not believed: reads may be a moment behind.
    pub(crate) fn adopt(&mut self, found: FleetCircuit, now: Now) {
        let Some(fleet) = &mut self.fleet else { return };
        fleet.away_until = None;
        fleet.next_look = now.instant + LOOKS;
        if found.epoch < fleet.seen.epoch {
            return;
        }
        fleet.disowned = None;
        if found.counts_at(now.time).reporters > 0 {
            fleet.failing_until = Some(now.instant + 2 * LOOKS);
        }
        let has_changed = found.epoch > fleet.seen.epoch;
        let was_closed = fleet.seen.state == FleetState::Closed;
        let is_first = !std::mem::replace(&mut fleet.has_looked, true);
        let state = found.state;
        fleet.seen = found;
        if !has_changed {
            return;
        }
        fleet.counted = FleetCounts::default();
        fleet.kept = None;
        match state {
            // If the table does not answer, this process tries the downstream by itself after that time.
            FleetState::Open(until) => self.core.open_until(now.instant + until.since(now.time)),
            FleetState::HalfOpen | FleetState::ForcedOpen => self.core.open_until(now.instant),
            // What was counted before the first look is of the same, closed circuit.
            FleetState::Closed if is_first && was_closed => {}
            FleetState::Closed | FleetState::ForcedClosed => self.core.close(),
        }
    }

    /// The table did not answer.
    pub(crate) fn is_away(&mut self, now: Now) {
        if let Some(fleet) = &mut self.fleet {
            fleet.away_until = Some(now.instant + AWAY);
            fleet.next_look = now.instant + AWAY;
        }
    }

    /// Keeps a permit for the next call.
    pub(crate) fn keep(&mut self, permit: HeldPermit) {
        if let Some(fleet) = &mut self.fleet {
            fleet.kept = Some(permit);
        }
    }

    /// What is due beside a call; it counts as done.
    pub(crate) fn beside(&mut self, only_reports: bool, now: Now) -> Option<Beside> {
        let fleet = self.fleet.as_mut()?;
        fleet.beside(only_reports, now)
    }

    /// The circuit was looked at, and its failures do not open it.
    pub(crate) fn look_later(&mut self, report: &Report, found: &FleetCircuit, now: Now) {
        let Some(fleet) = &mut self.fleet else { return };
        let counts = found.windows.get(&report.window).copied().unwrap_or_default();
        let reached = counts.failures.max(counts.slow).max(report.look_at);
        fleet.look_at = reached.saturating_mul(2);
        if fleet.counted_in == report.window {
            fleet.counted.calls += report.counts.calls;
            fleet.counted.failures += report.counts.failures;
            fleet.counted.slow += report.counts.slow;
        }
        fleet.has_reported_in = (report.counts.reporters == 0).then_some(report.window);
        fleet.next_report = now.instant + REPORTS;
    }
}

impl Fleet {
    pub(crate) fn is_closed(&self) -> bool {
        self.seen.state == FleetState::Closed || self.disowned == Some(self.seen.epoch)
    }

    pub(crate) fn is_away(&self, now: Now) -> bool {
        self.away_until.is_some_and(|until| now.instant < until)
    }

    /// How the fleet's circuit goes on with a call; nothing when this process's own decides.
    fn next(&mut self, settings: &CircuitSettings, now: Now) -> Option<Next> {
        if self.is_closed() {
            return None;
        }
        let is_away = self.is_away(now);
        let until_look = self.next_look.saturating_duration_since(now.instant);
        let look_or = |next| {
            if until_look.is_zero() && !is_away {
                Next::Look
            } else {
                next
            }
        };
        match self.seen.state {
            FleetState::Closed => None,
            FleetState::ForcedClosed => Some(Next::CallForced),
            FleetState::ForcedOpen => Some(look_or(Next::Refuse(until_look.max(Duration::from_secs(1))))),
            FleetState::Open(until) if now.time < until => Some(look_or(Next::Refuse(until.since(now.time)))),
            _ if is_away => None,
            FleetState::Open(_) => Some(Next::TryAgain(self.seen.clone())),
            FleetState::HalfOpen => Some(self.next_permit(settings, now).unwrap_or_else(|| {
                let wait = self.seen.first_end(now.time);
                look_or(Next::Refuse(wait.min(until_look).max(Duration::from_millis(1))))
            })),
        }
    }

    fn next_permit(&mut self, settings: &CircuitSettings, now: Now) -> Option<Next> {
        if let Some(kept) = self.kept.take()
            && kept.epoch == self.seen.epoch
            && now.time < kept.until
        {
            return Some(Next::FleetProbe(kept));
        }
        let number = self.seen.free_permit(settings.permits, now.time)?;
        Some(Next::Lease(self.seen.clone(), number))
    }

    fn count(&mut self, settings: &CircuitSettings, outcome: Outcome, now: Now) {
        if outcome == Outcome::Unknown || self.seen.state != FleetState::Closed {
            return;
        }
        let window = crate::fleet::window_at(now.time);
        if window != self.counted_in {
            // What of the last window was not reported is not worth a write of its own any more.
            self.counted = FleetCounts::default();
            self.counted_in = window;
            self.look_at = u64::from(settings.consecutive_failures);
        }
        self.counted.calls += 1;
        self.counted.failures += u64::from(outcome == Outcome::Fails);
        self.counted.slow += u64::from(outcome == Outcome::Slow);
    }

    fn beside(&mut self, only_reports: bool, now: Now) -> Option<Beside> {
        if self.is_away(now) {
            return None;
        }
        let fails = self.counted.failures + self.counted.slow > 0;
        let others_fail = self.failing_until.is_some_and(|until| now.instant < until);
        let has_to_tell = (fails || others_fail) && self.counted.calls > 0 && self.seen.state == FleetState::Closed;
        if has_to_tell && now.instant >= self.next_report {
            self.next_report = now.instant + REPORTS;
            let window = self.counted_in;
            let is_first = fails && self.has_reported_in != Some(window);
            let mut counts = std::mem::take(&mut self.counted);
            counts.reporters = u64::from(is_first);
            if is_first {
                self.has_reported_in = Some(window);
            }
            let look_at = self.look_at;
            let report = Report {
                window,
                counts,
                look_at,
            };
            return Some(Beside::Report(self.seen.clone(), report));
        }
        if !only_reports && now.instant >= self.next_look {
            self.next_look = now.instant + LOOKS;
            return Some(Beside::Look);
        }
        None
    }
}
