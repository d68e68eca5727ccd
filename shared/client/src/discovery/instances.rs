use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use onecommit_environment::{Environment, Timestamp};
use tokio::sync::watch as signal;
use tokio::task::AbortHandle;

use super::balance::{Picked, choose};
use super::discover::{Discover, Found, INSTANCES_MAX};
use super::ejection;
use super::member::Member;
use super::settings::DiscoverySettings;
use super::watch;

/// No instance of a service is known and healthy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("No healthy instances for {service}")]
pub struct NoHealthyInstances {
    /// The service.
    pub service: String,
}

/// The instances of one service: the registry's last answer, renewed beside the calls, and what calls have shown of them.
/// Clones share it. The registry is asked from the first call on, until the last clone is dropped.
///
/// ```
/// use std::sync::Arc;
/// use onecommit_client::{DiscoverySettings, FixedInstances, Instance, Instances};
/// use onecommit_environment::Environment;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let environment = Environment::system();
/// let now = environment.clock().now();
/// let registry = FixedInstances::new(vec![Instance::at("10.0.0.1", 80, now), Instance::at("10.0.0.2", 80, now)]);
/// let prices = Instances::of("prices", Arc::new(registry), DiscoverySettings::default(), environment);
/// let picked = prices.pick().await?;
/// assert_eq!(picked.instance.authority(), "10.0.0.2:80");
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Instances(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    discover: Arc<dyn Discover>,
    refresh: Mutex<Option<AbortHandle>>,
}

/// What the calls and the task that renews the instances share.
pub(super) struct Shared {
    pub(super) service: String,
    pub(super) settings: DiscoverySettings,
    pub(super) environment: Environment,
    state: Mutex<State>,
    turn: AtomicUsize,
    /// How many answers or errors there were from the registry.
    answers: signal::Sender<u64>,
}

#[derive(Default)]
struct State {
    members: Vec<Member>,
    renewed_at: Option<Timestamp>,
    registry_fails: bool,
    interval_ends: Option<Instant>,
}

/// How well the instances of a service are known: for a health check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstancesHealth {
    /// Instances that calls are spread over.
    pub usable: usize,
    /// Instances that are left out because calls to them failed.
    pub ejected: usize,
    /// Whether the registry's last answer was an error, or none where there had been some: the last known are used.
    pub is_last_known: bool,
    /// When the registry last named instances.
    pub renewed_at: Option<Timestamp>,
}

impl Instances {
    /// The instances of a service, as a registry names them.
    #[must_use]
    pub fn of(
        service: impl Into<String>,
        discover: Arc<dyn Discover>,
        settings: DiscoverySettings,
        environment: Environment,
    ) -> Self {
        let shared = Shared {
            service: service.into(),
            settings,
            environment,
            state: Mutex::default(),
            turn: AtomicUsize::new(0),
            answers: signal::Sender::new(0),
        };
        Self(Arc::new(Inner {
            shared: Arc::new(shared),
            discover,
            refresh: Mutex::new(None),
        }))
    }

    /// The service's name.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.0.shared.service
    }

    /// An instance for a call. Only the first call waits for the registry.
    ///
    /// # Errors
    /// When none is known and healthy.
    pub async fn pick(&self) -> Result<Picked, NoHealthyInstances> {
        self.0.keep_renewing();
        let shared = &self.0.shared;
        if let Some(picked) = shared.choose() {
            return Ok(picked);
        }
        let mut answers = shared.answers.subscribe();
        if *answers.borrow_and_update() == 0 {
            let first = shared
                .environment
                .within(shared.settings.answer_within, answers.changed());
            // An end of the wait and an error of the registry come to the same: there is an instance, or there is none.
            let _ = first.await;
        }
        shared.choose().ok_or_else(|| NoHealthyInstances {
            service: shared.service.clone(),
        })
    }

    /// Notes how the call to an instance ended: an instance whose calls fail is left out for a while.
    pub fn note(&self, picked: &Picked, has_failed: bool) {
        self.0.shared.note(&picked.instance.id, has_failed);
    }

    /// How well the instances are known.
    #[must_use]
    pub fn health(&self) -> InstancesHealth {
        self.0.shared.health()
    }
}

impl Inner {
    fn keep_renewing(&self) {
        let mut refresh = self.refresh.lock().unwrap_or_else(PoisonError::into_inner);
        let is_running = refresh.as_ref().is_some_and(|task| !task.is_finished());
        if !is_running {
            let task = tokio::spawn(watch::renew(self.shared.clone(), self.discover.clone()));
            *refresh = Some(task.abort_handle());
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let refresh = self.refresh.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = refresh {
            task.abort();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn choose(&self) -> Option<Picked> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let now = self.environment.clock().instant();
        let state = self.state();
        let zone = self.settings.zone.as_deref();
        let random = self.environment.random();
        choose(&state.members, zone, self.settings.balance, turn, random, now).map(Picked::of)
    }

    fn note(&self, id: &str, has_failed: bool) {
        let now = self.environment.clock().instant();
        let settings = &self.settings.ejection;
        let mut state = self.state();
        let ends = *state.interval_ends.get_or_insert(now + settings.interval);
        if now >= ends {
            state.interval_ends = Some(now + settings.interval);
            ejection::end_interval(&mut state.members, settings, now);
        }
        ejection::note(&mut state.members, id, has_failed, settings, now);
    }

    /// Takes over what the registry names. An instance that was known keeps what calls have shown of it.
    ///
    /// An answer without any instance is not believed while there were some, within [`last_known_for`]: registries are
    /// emptied by mistake more often than services are ended while others call them.
    ///
    /// [`last_known_for`]: DiscoverySettings::last_known_for
    pub(super) fn found(&self, found: Found) {
        let now = self.environment.clock().now();
        let mut state = self.state();
        if found.instances.is_empty() {
            self.forget_old(&mut state, now);
        } else {
            let mut known = std::mem::take(&mut state.members);
            let instances = found.instances.into_iter().take(INSTANCES_MAX);
            state.members = instances
                .map(
                    |instance| match known.iter().position(|member| member.instance.id == instance.id) {
                        Some(place) => Member {
                            instance,
                            ..known.swap_remove(place)
                        },
                        None => Member::new(instance),
                    },
                )
                .collect();
            state.renewed_at = Some(now);
            state.registry_fails = false;
        }
        drop(state);
        self.answers.send_modify(|count| *count += 1);
    }

    /// Keeps what is known, within its bound.
    pub(super) fn not_found(&self) {
        let now = self.environment.clock().now();
        self.forget_old(&mut self.state(), now);
        self.answers.send_modify(|count| *count += 1);
    }

    fn forget_old(&self, state: &mut State, now: Timestamp) {
        state.registry_fails = true;
        let age = state.renewed_at.map_or(Duration::MAX, |at| now.since(at));
        if age > self.settings.last_known_for {
            state.members.clear();
        }
    }

    fn health(&self) -> InstancesHealth {
        let now = self.environment.clock().instant();
        let state = self.state();
        let healthy = || state.members.iter().filter(|member| member.is_healthy());
        let ejected = healthy().filter(|member| member.is_ejected(now)).count();
        InstancesHealth {
            usable: healthy().count() - ejected,
            ejected,
            is_last_known: state.registry_fails,
            renewed_at: state.renewed_at,
        }
    }
}

impl fmt::Debug for Instances {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Instances")
            .field("service", &self.service())
            .finish_non_exhaustive()
    }
}
