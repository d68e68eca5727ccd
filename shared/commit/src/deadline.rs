use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use onecommit_environment::Clock;
use onecommit_mutants::{Mutant, is_on};

/// When the invocation ends, whether or not its work is done.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// Never: a worker that drains on its own terms.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// `remaining` from now.
    #[must_use]
    pub fn after(remaining: Duration, clock: &dyn Clock) -> Self {
        Self(clock.instant().checked_add(remaining))
    }

    /// How long there is; without a deadline, for ever.
    #[must_use]
    pub fn remaining(&self, clock: &dyn Clock) -> Duration {
        if is_on(Mutant::DeadlineIgnored) {
            return Duration::MAX;
        }
        self.0
            .map_or(Duration::MAX, |at| at.saturating_duration_since(clock.instant()))
    }
}

/// The longest that a message has been seen to take. It forgets slowly: each quicker one takes an eighth of the
/// difference away, so that one slow start does not hold work back for ever.
#[derive(Debug, Default)]
pub(crate) struct TimeNeeded(AtomicU64);

impl TimeNeeded {
    pub(crate) fn seen(&self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let before = self.0.load(Ordering::Relaxed);
        let after = if took >= before {
            took
        } else {
            before - (before - took) / 8
        };
        // A lost update loses one observation, nothing more.
        self.0.store(after, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_needed_rises_at_once_and_falls_slowly() {
        let needed = TimeNeeded::default();
        needed.seen(Duration::from_millis(800));
        needed.seen(Duration::ZERO);
        assert_eq!(needed.get(), Duration::from_millis(700));
        needed.seen(Duration::from_secs(1));
        assert_eq!(needed.get(), Duration::from_secs(1));
    }
}
