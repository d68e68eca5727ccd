use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, TryLockError};
use std::task::{Context, Poll, Waker};

use onecommit_environment::Environment;

use super::local::{Beside, Kind};
use super::outcome::Outcome;
use super::permit::Permit;
use super::upkeep::Shared;
use super::watch::Watch;
use crate::failure::{Classify, Stopped};
use crate::fleet::{Circuits, FleetCircuit};
use crate::settings::{CircuitSettings, CircuitSettingsFault};

/// What is at work beside calls.
struct Work {
    is_look: bool,
    future: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// A circuit breaker before a downstream. Clones are the same circuit.
///
/// While the downstream works, a call costs a look at one atomic value and a count, and awaits nothing. When it fails, calls are refused at once
/// with [`Stopped::CircuitOpen`], and after a while tried again, a few at a time.
///
/// One that a fleet shares adds up the failures of all processes, opens for all of them, and lets all of them together try
/// again with as many permits as its settings say. What has to be read and written for that happens beside the calls: a request is
/// sent when a call ends, and goes on while others run; only a failed call waits for its report, once a second and
/// [`CircuitSettings::report_wait`] at most. A table that does not answer leaves each process with a circuit of its own.
#[derive(Clone)]
pub struct Circuit {
    shared: Arc<Shared>,
    beside: Arc<BesideCalls>,
}

/// Requests that go on beside calls, one at a time.
#[derive(Default)]
struct BesideCalls {
    /// Whether there is one: asked before each call, without the lock.
    is_busy: AtomicBool,
    work: Mutex<Option<Work>>,
}

impl Circuit {
    /// A circuit of this process alone.
    ///
    /// # Errors
    /// When it could not open or not close with these settings, or cannot have this name.
    pub fn local(
        name: impl Into<String>,
        settings: CircuitSettings,
        environment: Environment,
    ) -> Result<Self, CircuitSettingsFault> {
        Self::new(name.into(), settings, None, None, environment)
    }

    /// A circuit that all processes share which name it so.
    ///
    /// # Errors
    /// When it could not open or not close with these settings, or cannot have this name.
    pub fn shared(
        name: impl Into<String>,
        circuits: Arc<dyn Circuits>,
        settings: CircuitSettings,
        environment: Environment,
    ) -> Result<Self, CircuitSettingsFault> {
        Self::new(name.into(), settings, Some(circuits), None, environment)
    }

    pub(crate) fn new(
        name: String,
        settings: CircuitSettings,
        circuits: Option<Arc<dyn Circuits>>,
        watch: Option<Arc<dyn Watch>>,
        environment: Environment,
    ) -> Result<Self, CircuitSettingsFault> {
        settings.check()?;
        crate::fleet::stream_of(&name).map_err(|_| CircuitSettingsFault::of_name())?;
        Ok(Self {
            shared: Arc::new(Shared::new(name, settings, circuits, watch, environment)),
            beside: Arc::default(),
        })
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &CircuitSettings {
        &self.shared.settings
    }

    /// The state, for a report of health: `closed`, `open`, `half-open`, or the name of the fleet's state.
    #[must_use]
    pub fn state(&self) -> &'static str {
        self.shared.state_name()
    }

    /// The fleet's circuit, as this process last saw it.
    #[must_use]
    pub fn seen(&self) -> FleetCircuit {
        self.shared.seen()
    }

    /// Makes a call, unless the circuit is open.
    ///
    /// Only a call that tries a half-open circuit of the fleet, and one that finds the circuit open when the fleet's state is due
    /// to be read, await a request to the table: 1 s at most each.
    ///
    /// # Errors
    /// The call's own; [`Stopped::CircuitOpen`] when it was not made.
    pub async fn call<T, E, F>(&self, call: impl FnOnce() -> F) -> Result<T, E>
    where
        E: Classify + From<Stopped>,
        F: Future<Output = Result<T, E>>,
    {
        let permit = self.permit().await?;
        let result = self.beside(call()).await;
        let outcome = Outcome::of(&result, permit.took(), self.shared.settings.slow_after);
        permit.end(outcome).await;
        match outcome {
            Outcome::Fails => self.report().await,
            // What is due then begins with the next call.
            _ => {
                self.poll_upkeep(&mut Context::from_waker(Waker::noop()));
            }
        }
        result
    }

    /// The right to make one call, for whoever makes it elsewhere than in [`Circuit::call`].
    ///
    /// # Errors
    /// [`Stopped::CircuitOpen`].
    pub async fn permit(&self) -> Result<Permit, Stopped> {
        if self.shared.circuits.is_some() {
            // What was answered since the last call is worth knowing before this one.
            self.poll_upkeep(&mut Context::from_waker(Waker::noop()));
        }
        let started = self.shared.instant();
        let kind = if self.shared.is_closed() {
            Kind::Closed(self.shared.generation())
        } else {
            self.shared.admit().await.inspect_err(|_| self.nudge())?
        };
        Ok(Permit::new(Arc::clone(&self.shared), kind, started))
    }

    /// Finishes what goes on beside the calls: at the end of an invocation, before the process is frozen, or now and then in a
    /// process that makes few calls. Without it, the next call goes on with it.
    pub async fn settle(&self) {
        self.begin_upkeep();
        self.finish().await;
    }

    /// Whether something goes on beside the calls.
    pub(crate) fn is_busy(&self) -> bool {
        self.beside.is_busy.load(Ordering::Acquire)
    }

    /// Finishes what goes on beside the calls, and begins nothing.
    pub(crate) async fn finish(&self) {
        std::future::poll_fn(|context| match self.poll_upkeep(context) {
            true => Poll::Pending,
            false => Poll::Ready(()),
        })
        .await;
    }

    /// Runs `call`, and meanwhile what goes on beside it.
    async fn beside<T>(&self, call: impl Future<Output = T>) -> T {
        self.begin_upkeep();
        let mut call = std::pin::pin!(call);
        std::future::poll_fn(|context| {
            let answer = call.as_mut().poll(context);
            if self.shared.circuits.is_some() {
                self.poll_upkeep(context);
            }
            answer
        })
        .await
    }

    /// Goes on with what is at work as far as it goes without waiting: a circuit that is open has no calls to do it beside.
    fn nudge(&self) {
        self.begin_upkeep();
        self.poll_upkeep(&mut Context::from_waker(Waker::noop()));
    }

    /// Tells the fleet of a failed call, if that is due, and waits a little for it.
    async fn report(&self) {
        let (environment, limit) = (&self.shared.environment, self.shared.settings.report_wait);
        self.nudge();
        if self.shared.circuits.is_some() && !limit.is_zero() {
            environment.within(limit, self.settle()).await;
        }
    }

    /// Starts what is due, unless something is at work. A report also says how the circuit is: it takes the place of a look.
    fn begin_upkeep(&self) {
        if self.shared.circuits.is_none() {
            return;
        }
        let Some(mut work) = lock(&self.beside.work) else {
            return;
        };
        let only_reports = match work.as_ref() {
            None => false,
            Some(work) if work.is_look => true,
            Some(_) => return,
        };
        if let Some(due) = self.shared.due(only_reports) {
            *work = Some(Work {
                is_look: matches!(due, Beside::Look),
                future: Box::pin(Arc::clone(&self.shared).keep_up(due)),
            });
            self.beside.is_busy.store(true, Ordering::Release);
        }
    }

    /// Whether something is still at work.
    fn poll_upkeep(&self, context: &mut Context<'_>) -> bool {
        if !self.is_busy() {
            return false;
        }
        // Another call is at it.
        let Some(mut work) = lock(&self.beside.work) else {
            return false;
        };
        let Some(at_work) = work.as_mut() else { return false };
        let is_done = at_work.future.as_mut().poll(context).is_ready();
        if is_done {
            *work = None;
            self.beside.is_busy.store(false, Ordering::Release);
        }
        !is_done
    }
}

fn lock<T>(mutex: &Mutex<T>) -> Option<std::sync::MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

impl std::fmt::Debug for Circuit {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.shared.fmt(formatter)
    }
}
