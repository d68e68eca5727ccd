use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::Environment;

/// How long calls and retries count.
const WINDOW: Duration = Duration::from_secs(10);
const SLOT: Duration = Duration::from_secs(1);

/// Bounds the load that repetitions add to a downstream, over all calls that share it (Finagle's `RetryBudget`).
///
/// A policy of three attempts triples the load of a downstream that fails, just when it can bear least. With a budget,
/// retries and hedges together are at most a share of the calls, and a few in each second so that a process with few calls
/// retries at all; what exceeds it fails with its first error. Clones share one budget: make one for each downstream.
#[derive(Clone)]
pub struct RetryBudget {
    shared: Arc<Shared>,
}

struct Shared {
    percent: u32,
    per_second: u32,
    environment: Environment,
    started: Instant,
    slots: Mutex<VecDeque<Slot>>,
}

/// What happened in one second.
#[derive(Clone, Copy)]
struct Slot {
    second: u64,
    calls: u64,
    repetitions: u64,
}

impl RetryBudget {
    /// Repetitions of up to 10 % of the calls of the last 10 s, and one in each second.
    #[must_use]
    pub fn new(environment: Environment) -> Self {
        Self::of(10, 1, environment)
    }

    /// Repetitions of up to `percent` of the calls of the last 10 s, and `per_second` in each second.
    #[must_use]
    pub fn of(percent: u32, per_second: u32, environment: Environment) -> Self {
        let started = environment.clock().instant();
        let shared = Shared {
            percent,
            per_second,
            environment,
            started,
            slots: Mutex::new(VecDeque::with_capacity(16)),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Counts a call: the first attempt, once, whatever becomes of it.
    pub fn call(&self) {
        self.with_slots(|slots, _| {
            if let Some(now) = slots.back_mut() {
                now.calls += 1;
            }
        });
    }

    /// Takes one repetition from the budget; `false` when there is none left.
    #[must_use]
    pub fn take(&self) -> bool {
        self.with_slots(|slots, shared| {
            let calls: u64 = slots.iter().map(|slot| slot.calls).sum();
            let taken: u64 = slots.iter().map(|slot| slot.repetitions).sum();
            let allowed = u64::from(shared.per_second) * WINDOW.as_secs() + calls * u64::from(shared.percent) / 100;
            match slots.back_mut() {
                Some(now) if taken < allowed => {
                    now.repetitions += 1;
                    true
                }
                _ => false,
            }
        })
    }

    /// Runs `work` on the slots of the window; the last one is the current second.
    fn with_slots<T>(&self, work: impl FnOnce(&mut VecDeque<Slot>, &Shared) -> T) -> T {
        let shared = &*self.shared;
        let passed = shared
            .environment
            .clock()
            .instant()
            .saturating_duration_since(shared.started);
        let second = passed.as_secs() / SLOT.as_secs();
        let mut slots = shared.slots.lock().unwrap_or_else(PoisonError::into_inner);
        while slots
            .front()
            .is_some_and(|slot| slot.second + WINDOW.as_secs() <= second)
        {
            slots.pop_front();
        }
        if slots.back().is_none_or(|slot| slot.second < second) {
            slots.push_back(Slot {
                second,
                calls: 0,
                repetitions: 0,
            });
        }
        work(&mut slots, shared)
    }
}

impl std::fmt::Debug for RetryBudget {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("RetryBudget")
            .field("percent", &self.shared.percent)
            .field("per_second", &self.shared.per_second)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use async_trait::async_trait;

    use super::*;
    use crate::{Clock, SeededRandom, Timestamp};

    /// Waits take no time, but the clock runs on.
    struct Skipping(Mutex<Instant>);

    #[async_trait]
    impl Clock for Skipping {
        fn now(&self) -> Timestamp {
            Timestamp::from_unix_ms(0)
        }

        fn instant(&self) -> Instant {
            *self.0.lock().unwrap()
        }

        async fn sleep(&self, duration: Duration) {
            *self.0.lock().unwrap() += duration;
        }
    }

    fn environment() -> Environment {
        let clock = Skipping(Mutex::new(Environment::system().clock().instant()));
        Environment::new(Arc::new(clock), Arc::new(SeededRandom::new(7)))
    }

    fn taken(budget: &RetryBudget) -> u32 {
        (0..10_000).take_while(|_| budget.take()).count() as u32
    }

    #[tokio::test]
    async fn repetitions_are_a_share_of_the_calls_and_a_few_in_each_second() {
        let budget = RetryBudget::new(environment());
        assert_eq!(taken(&budget), 10, "one a second without a call");
        (0..1_000).for_each(|_| budget.call());
        assert_eq!(taken(&budget), 100, "and a tenth of the calls");
    }

    #[tokio::test]
    async fn what_was_taken_comes_back_after_the_window() {
        let environment = environment();
        let budget = RetryBudget::new(environment.clone());
        (0..100).for_each(|_| budget.call());
        assert_eq!(taken(&budget), 20);
        environment.clock().sleep(Duration::from_secs(9)).await;
        assert_eq!(taken(&budget), 0);
        environment.clock().sleep(Duration::from_secs(1)).await;
        assert_eq!(taken(&budget), 10, "the calls are forgotten, too");
    }

    #[tokio::test]
    async fn clones_share_it() {
        let budget = RetryBudget::new(environment());
        let clone = budget.clone();
        assert_eq!(taken(&budget), 10);
        assert!(!clone.take());
    }
}
