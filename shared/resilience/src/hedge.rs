use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{Either, select};
use onecommit_environment::{Environment, RetryBudget};

const KEPT: usize = 128;
/// With fewer answers, it is not known what is slow.
const KNOWN_MIN: usize = 20;

/// Sends a read a second time when its answer is later than that of 95 % of the reads before, and takes the first answer:
/// "The Tail at Scale" (Dean and Barroso, CACM 2013).
///
/// For reads only: both may be served. Hedges are paid from the retry budget, so a downstream that becomes slow as a whole
/// gets a tenth more load, not twice as much. Clones share what they have seen.
#[derive(Clone)]
pub struct Hedge {
    budget: RetryBudget,
    environment: Environment,
    seen: Arc<Mutex<Latencies>>,
}

#[derive(Default)]
struct Latencies {
    kept: Vec<Duration>,
    next: usize,
}

impl Latencies {
    fn add(&mut self, took: Duration) {
        if self.kept.len() < KEPT {
            self.kept.push(took);
        } else {
            self.kept[self.next % KEPT] = took;
        }
        self.next = (self.next + 1) % KEPT;
    }

    fn percentile(&self, percent: usize) -> Option<Duration> {
        if self.kept.len() < KNOWN_MIN {
            return None;
        }
        let mut sorted = self.kept.clone();
        let place = (sorted.len() * percent / 100).min(sorted.len() - 1);
        Some(*sorted.select_nth_unstable(place).1)
    }
}

impl Hedge {
    /// Hedges paid from this budget.
    #[must_use]
    pub fn new(budget: RetryBudget, environment: Environment) -> Self {
        Self {
            budget,
            environment,
            seen: Arc::default(),
        }
    }

    /// After how long a second request is sent; nothing as long as too few answers were seen.
    #[must_use]
    pub fn delay(&self) -> Option<Duration> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).percentile(95)
    }

    /// Runs `read`, and a second one when the first is late. The first answer counts; of two failures, the last.
    ///
    /// # Errors
    /// That of the read.
    pub async fn run<T, E, F: Future<Output = Result<T, E>>>(&self, mut read: impl FnMut() -> F) -> Result<T, E> {
        let Some(delay) = self.delay() else {
            return self.timed(read()).await;
        };
        let first = Box::pin(self.timed(read()));
        let first = match select(first, self.environment.clock().sleep(delay)).await {
            Either::Left((answer, _)) => return answer,
            Either::Right(((), first)) if self.budget.take() => first,
            Either::Right(((), first)) => return first.await,
        };
        let second = Box::pin(self.timed(read()));
        match select(first, second).await {
            Either::Left((Ok(answer), _)) | Either::Right((Ok(answer), _)) => Ok(answer),
            Either::Left((Err(_), second)) => second.await,
            Either::Right((Err(_), first)) => first.await,
        }
    }

    async fn timed<T, E>(&self, read: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let clock = self.environment.clock();
        let started = clock.instant();
        let answer = read.await;
        if answer.is_ok() {
            let took = clock.instant().saturating_duration_since(started);
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).add(took);
        }
        answer
    }
}

impl std::fmt::Debug for Hedge {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Hedge")
            .field("delay", &self.delay())
            .finish_non_exhaustive()
    }
}
