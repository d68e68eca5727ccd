//! The requests of a circuit: those beside calls, which nobody waits for, and those of a circuit that is not closed.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use onecommit_engine::DatabaseError;
use onecommit_environment::Environment;
use tracing::{info, warn};

use super::core::Changed;
use super::local::{Beside, HeldPermit, Kind, Local, Next, Now};
use super::outcome::Outcome;
use super::watch::{Noted, Watch};
use crate::failure::Stopped;
use crate::fleet::{Circuits, FleetCircuit, Report, Step, Transition};
use crate::settings::CircuitSettings;

/// No request is awaited longer; without an answer, this process's own circuit decides.
const WAIT_MAX: Duration = Duration::from_secs(1);
/// How often a call asks for a permit while others change the circuit.
const RACES_MAX: u32 = 5;

pub(crate) struct Shared {
    pub(crate) name: String,
    pub(crate) settings: CircuitSettings,
    pub(crate) environment: Environment,
    pub(crate) circuits: Option<Arc<dyn Circuits>>,
    watch: Option<Arc<dyn Watch>>,
    /// Whether calls are made without a further question: read without the lock.
    is_closed: AtomicBool,
    generation: AtomicU64,
    local: Mutex<Local>,
}

impl Shared {
    pub(crate) fn new(
        name: String,
        settings: CircuitSettings,
        circuits: Option<Arc<dyn Circuits>>,
        watch: Option<Arc<dyn Watch>>,
        environment: Environment,
    ) -> Self {
        let local = Local::new(&settings, circuits.is_some(), environment.clock().instant());
        Self {
            name,
            settings,
            environment,
            circuits,
            watch,
            is_closed: AtomicBool::new(true),
            generation: AtomicU64::new(0),
            local: Mutex::new(local),
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// The generation of the own circuit, without the lock: a call that reads an old one is not counted.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    pub(crate) fn instant(&self) -> Instant {
        self.environment.clock().instant()
    }

    fn now(&self) -> Now {
        let clock = self.environment.clock();
        Now {
            instant: clock.instant(),
            time: clock.now(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Local> {
        self.local.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Local, Now) -> T) -> T {
        let now = self.now();
        let mut local = self.lock();
        let done = work(&mut local, now);
        self.generation.store(local.core.generation(), Ordering::Release);
        self.is_closed.store(local.is_closed(), Ordering::Release);
        done
    }

    /// A permit, or why there is none. Of a closed circuit it awaits nothing.
    pub(crate) async fn admit(&self) -> Result<Kind, Stopped> {
        let admitted = self.permit().await;
        if !matches!(admitted, Ok(Kind::Closed(_) | Kind::Forced))
            && self.watch.is_some()
            && self.with(Local::is_to_be_noted)
        {
            self.note(Noted::NotClosed);
        }
        admitted
    }

    async fn permit(&self) -> Result<Kind, Stopped> {
        for _ in 0..RACES_MAX {
            match self.with(|local, now| local.next(&self.settings, now)) {
                Next::Call(generation) => return Ok(Kind::Closed(generation)),
                Next::CallForced => return Ok(Kind::Forced),
                Next::Probe(permit) => return Ok(Kind::Probe(permit)),
                Next::FleetProbe(permit) => return Ok(Kind::FleetProbe(permit)),
                Next::Refuse(after) => return Err(self.refused(after)),
                Next::Look => self.look().await,
                Next::TryAgain(seen) => {
                    if let Some(permit) = self.try_again(&seen).await {
                        return Ok(Kind::FleetProbe(permit));
                    }
                }
                Next::Lease(seen, number) => {
                    if let Some(permit) = self.lease(&seen, number).await {
                        return Ok(Kind::FleetProbe(permit));
                    }
                }
            }
        }
        Err(self.refused(Duration::from_secs(1)))
    }

    fn note(&self, noted: Noted) {
        if let Some(watch) = &self.watch {
            watch.note(&self.name, noted);
        }
    }

    fn refused(&self, after: Duration) -> Stopped {
        Stopped::CircuitOpen(self.name.clone(), after)
    }

    async fn look(&self) {
        let Some(circuits) = &self.circuits else { return };
        let found = self.within_limit(circuits.look(&self.name)).await;
        self.adopt(found);
    }

    async fn try_again(&self, seen: &FleetCircuit) -> Option<HeldPermit> {
        let permit = self.new_permit(seen.epoch + 1, 0);
        let transition = Transition::HalfOpen(permit.owner.clone(), permit.until);
        self.change(seen, &transition).await.then_some(permit)
    }

    async fn lease(&self, seen: &FleetCircuit, number: u32) -> Option<HeldPermit> {
        let circuits = self.circuits.as_ref()?;
        let permit = self.new_permit(seen.epoch, number);
        let request = circuits.lease(&self.name, seen, number, &permit.owner, permit.until);
        self.step(self.within_limit(request).await).then_some(permit)
    }

    fn new_permit(&self, epoch: u64, number: u32) -> HeldPermit {
        HeldPermit {
            epoch,
            number,
            owner: self.environment.ids().next().to_string(),
            until: self.environment.clock().now().plus(self.settings.permit_lease),
        }
    }

    /// Counts what a call says, except one that tried the fleet's half-open circuit.
    pub(crate) fn end(&self, kind: &Kind, outcome: Outcome) {
        let settings = &self.settings;
        let changed = self.with(|local, now| match kind {
            Kind::Closed(generation) => local.count(settings, *generation, outcome, now),
            Kind::Probe(permit) => local.end_probe(settings, *permit, outcome, now),
            Kind::FleetProbe(permit) => {
                local.keep(permit.clone());
                None
            }
            Kind::Forced => None,
        });
        match changed {
            Some(Changed::Opened(length)) => {
                warn!(
                    circuit.name = self.name,
                    circuit.open_ms = u64::try_from(length.as_millis()).unwrap_or(u64::MAX),
                    "circuit opened for this process: the downstream fails"
                );
                self.note(Noted::Opened);
            }
            Some(Changed::Closed) => {
                info!(
                    circuit.name = self.name,
                    "circuit closed for this process: the downstream works"
                );
                self.note(Noted::Closed);
            }
            None => {}
        }
    }

    /// Records what a call says that tried the fleet's half-open circuit.
    pub(crate) async fn end_fleet_probe(&self, permit: HeldPermit, outcome: Outcome) {
        match outcome {
            Outcome::Unknown => self.with(|local, _| local.keep(permit)),
            Outcome::Fails => self.open_again(&permit).await,
            Outcome::Works | Outcome::Slow => self.succeed(&permit).await,
        }
    }

    async fn open_again(&self, permit: &HeldPermit) {
        for _ in 0..RACES_MAX {
            let seen = self.seen();
            if seen.epoch != permit.epoch {
                return;
            }
            let counts = seen.counts_at(self.environment.clock().now());
            if self.open(&seen, counts).await || !self.is_answered() {
                return;
            }
        }
    }

    async fn succeed(&self, permit: &HeldPermit) {
        let Some(circuits) = &self.circuits else { return };
        let needed = self.settings.successes;
        for _ in 0..RACES_MAX {
            let seen = self.seen();
            if seen.epoch != permit.epoch || !seen.is_held_by(permit.number, &permit.owner) {
                return;
            }
            let is_done = if seen.successes + 1 >= needed {
                let transition = Transition::Close(permit.number, permit.owner.clone());
                self.change(&seen, &transition).await
            } else {
                let request = circuits.succeed(&self.name, &seen, permit.number, &permit.owner, needed);
                self.step(self.within_limit(request).await)
            };
            if is_done || !self.is_answered() {
                return;
            }
        }
    }

    /// What is due beside a call.
    pub(crate) fn due(&self, only_reports: bool) -> Option<Beside> {
        self.with(|local, now| local.beside(only_reports, now))
    }

    /// Does what is due beside a call.
    pub(crate) async fn keep_up(self: Arc<Self>, beside: Beside) {
        match beside {
            Beside::Look => self.look().await,
            Beside::Report(seen, report) => self.report(seen, report).await,
        }
    }

    async fn report(&self, seen: FleetCircuit, report: Report) {
        let Some(circuits) = &self.circuits else { return };
        let answer = self.within_limit(circuits.report(&self.name, &seen, &report)).await;
        let Some(Step::Refused(found)) = &answer else {
            self.step(answer);
            return;
        };
        let found = found.clone();
        self.step(answer);
        if found.epoch != seen.epoch {
            return;
        }
        let now = self.environment.clock().now();
        let mut with_ours = found.clone();
        let ours = with_ours.windows.entry(report.window).or_default();
        ours.calls += report.counts.calls;
        ours.failures += report.counts.failures;
        ours.slow += report.counts.slow;
        ours.reporters += report.counts.reporters;
        let counts = with_ours.counts_at(now);
        if counts.open_the_circuit(&self.settings) {
            self.open(&found, counts).await;
        } else {
            self.with(|local, now| local.look_later(&report, &found, now));
        }
    }

    async fn open(&self, seen: &FleetCircuit, counts: crate::fleet::FleetCounts) -> bool {
        let until = self.environment.clock().now().plus(self.settings.open_for(seen.opened));
        self.change(seen, &Transition::Open(until, counts)).await
    }

    async fn change(&self, seen: &FleetCircuit, transition: &Transition) -> bool {
        let Some(circuits) = &self.circuits else { return false };
        let is_done = self.step(self.within_limit(circuits.change(&self.name, seen, transition)).await);
        if is_done {
            let state = self.seen().state.name();
            info!(
                circuit.name = self.name,
                circuit.state = state,
                "circuit changed for all processes"
            );
            match transition {
                Transition::Open(..) => self.note(Noted::FleetOpened),
                Transition::HalfOpen(..) => self.note(Noted::FleetHalfOpened),
                Transition::Close(..) => self.note(Noted::FleetClosed),
                // An operator's, which no process makes.
                Transition::ForceOpen(_) | Transition::ForceClosed(_) | Transition::Release(_) => {}
            }
        }
        is_done
    }

    fn step(&self, answer: Option<Step>) -> bool {
        let is_done = matches!(answer, Some(Step::Done(_)));
        self.adopt(answer.map(|(Step::Done(found) | Step::Refused(found))| found));
        is_done
    }

    fn adopt(&self, found: Option<FleetCircuit>) {
        self.with(|local, now| match found {
            Some(found) => local.adopt(found, now),
            None => local.is_away(now),
        });
    }

    /// The fleet's circuit, as it was last seen.
    pub(crate) fn seen(&self) -> FleetCircuit {
        let local = self.lock();
        local.fleet.as_ref().map(|fleet| fleet.seen.clone()).unwrap_or_default()
    }

    fn is_answered(&self) -> bool {
        self.with(|local, now| local.fleet.as_ref().is_some_and(|fleet| !fleet.is_away(now)))
    }

    /// The name of the state: the fleet's unless it is closed, else this process's own.
    pub(crate) fn state_name(&self) -> &'static str {
        let local = self.lock();
        match &local.fleet {
            Some(fleet) if !fleet.is_closed() => fleet.seen.state.name(),
            _ => local.core.state_name(),
        }
    }

    /// The answer; nothing when there is none in time, or an error.
    async fn within_limit<T>(&self, request: impl Future<Output = Result<T, DatabaseError>>) -> Option<T> {
        match self.environment.within(WAIT_MAX, request).await {
            Some(Ok(answer)) => Some(answer),
            Some(Err(error)) => {
                warn!(circuit.name = self.name, error = %error, "the circuits' table cannot be used; this process decides alone");
                None
            }
            None => {
                warn!(
                    circuit.name = self.name,
                    "the circuits' table did not answer in time; this process decides alone"
                );
                None
            }
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Circuit")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
