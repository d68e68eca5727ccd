use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use onecommit_environment::{Environment, Timestamp};
use tokio::sync::watch as signal;

use super::balance::{Picked, choose};
use super::discover::{Found, INSTANCES_MAX};
use super::ejection;
use super::member::Member;
use super::settings::DiscoverySettings;

/// What the calls and the task that renews the instances share.
pub(super) struct Known {
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

impl Known {
    pub(super) fn new(service: String, settings: DiscoverySettings, environment: Environment) -> Self {
        Self {
            service,
            settings,
            environment,
            state: Mutex::default(),
            turn: AtomicUsize::new(0),
            answers: signal::Sender::new(0),
        }
    }

    /// How many answers or errors there were from the registry, as they come.
    pub(super) fn answers(&self) -> signal::Receiver<u64> {
        self.answers.subscribe()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn choose(&self) -> Option<Picked> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let now = self.environment.clock().instant();
        let state = self.state();
        let zone = self.settings.zone.as_deref();
        let random = self.environment.random();
        choose(&state.members, zone, self.settings.balance, turn, random, now).map(Picked::of)
    }

    pub(super) fn note(&self, id: &str, has_failed: bool) {
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

    pub(super) fn health(&self) -> InstancesHealth {
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
