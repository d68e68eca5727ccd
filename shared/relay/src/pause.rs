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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use onecommit_environment::{Clock, Random, Timestamp};

    use super::*;

    struct Stopped(Instant);

    #[async_trait::async_trait]
    impl Clock for Stopped {
        fn now(&self) -> Timestamp {
            Timestamp::from_unix_ms(0)
        }
        fn instant(&self) -> Instant {
            self.0
        }
        async fn sleep(&self, _: Duration) {}
    }

    /// Always draws the highest number.
    struct Highest;

    impl Random for Highest {
        fn bits(&self) -> u64 {
            u64::MAX
        }
    }

    const BACKOFF: Backoff = Backoff {
        first: Duration::from_secs(2),
        longest: Duration::from_secs(60),
    };

    #[test]
    fn each_failure_in_a_row_doubles_the_pause_until_something_gets_through() {
        let (pause, now) = (Pause::default(), Instant::now());
        let environment = Environment::new(Arc::new(Stopped(now)), Arc::new(Highest));
        assert!(!pause.is_on());
        assert_eq!(pause.left(now), Duration::ZERO);
        for seconds in [2, 4, 8] {
            pause.prolong(BACKOFF, &environment);
            assert!(pause.is_on());
            assert_eq!(pause.left(now), Duration::from_secs(seconds));
        }
        assert_eq!(pause.left(now + Duration::from_secs(7)), Duration::from_secs(1));
        assert_eq!(pause.left(now + Duration::from_secs(9)), Duration::ZERO);
        assert!(pause.is_on(), "until a round gets something through");
        pause.end();
        assert!(!pause.is_on());
        pause.prolong(BACKOFF, &environment);
        assert_eq!(pause.left(now), Duration::from_secs(2));
    }
}
