use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use onecommit_environment::{Backoff, Environment};

/// While a destination takes nothing: until when none is asked. It lasts longer each time, and over invocations, so that
/// what is down or gone is asked rarely, and found soon when it is there again.
#[derive(Debug, Default)]
pub(crate) struct Pause(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    until: Option<Instant>,
}

impl Pause {
    /// Whether the last round got nothing through to a destination.
    pub(crate) fn is_on(&self) -> bool {
        self.state().failures > 0
    }

    /// How long to wait before the next request.
    pub(crate) fn left(&self, now: Instant) -> Duration {
        let until = self.state().until;
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    pub(crate) fn prolong(&self, backoff: Backoff, environment: &Environment) {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        let wait = backoff.after(state.failures, environment.random());
        state.until = Some(environment.clock().instant() + wait);
    }

    pub(crate) fn end(&self) {
        *self.state() = State::default();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
