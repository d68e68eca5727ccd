use std::future::Future;
use std::time::Duration;

use crate::{Environment, Random, RetryBudget};

/// How long to wait before the next attempt: exponential, with full jitter, so that those who failed together do not
/// try again together (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// The most to wait before the second attempt; doubles with each one more.
    pub first: Duration,
    /// The most to wait before any attempt.
    pub longest: Duration,
}

impl Backoff {
    /// The wait after `failures` failed attempts, 1 for the first.
    #[must_use]
    pub fn after(&self, failures: u32, random: &dyn Random) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let ceiling = self.first.saturating_mul(1 << doublings).min(self.longest);
        let ceiling_us = u64::try_from(ceiling.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(random.up_to(ceiling_us))
    }
}

/// How often a request is sent, and the waits in between.
#[derive(Clone, Copy, Debug)]
pub struct RetryPolicy {
    /// Requests in all, the first one included; 0 counts as 1.
    pub attempts_max: u32,
    /// The wait before each further one.
    pub backoff: Backoff,
}

impl RetryPolicy {
    /// `attempts_max` requests in all, with waits of up to `first_ms` that double up to `longest_ms` (milliseconds).
    #[must_use]
    pub const fn new(attempts_max: u32, first_ms: u64, longest_ms: u64) -> Self {
        Self {
            attempts_max,
            backoff: Backoff {
                first: Duration::from_millis(first_ms),
                longest: Duration::from_millis(longest_ms),
            },
        }
    }
}

/// An error that says whether the same request may succeed later.
pub trait Transient {
    /// Whether the trouble may pass by itself, so that the same request is worth sending again.
    fn is_transient(&self) -> bool;
}

/// Sends a request again while its error is transient, as often as the policy says, by the clock of `environment`.
///
/// This is the only loop of its kind: one layer of a program retries, the others pass errors on, since loops inside
/// loops multiply requests and waits, and hide both. A request whose answer was lost may have taken effect, so a
/// write sent through here has to be one that changes nothing more the second time, as a transaction with its token.
///
/// ```
/// # use onecommit_environment::{Environment, RetryPolicy, Transient, retry};
/// # struct Busy;
/// # impl Transient for Busy { fn is_transient(&self) -> bool { true } }
/// # async fn ask() -> Result<u32, Busy> { Ok(7) }
/// # async fn doc(environment: &Environment) -> Result<u32, Busy> {
/// const READS: RetryPolicy = RetryPolicy::new(4, 25, 200);
/// retry(environment, READS, ask).await
/// # }
/// ```
///
/// # Errors
/// The last one.
pub async fn retry<T, E: Transient, F: Future<Output = Result<T, E>>>(
    environment: &Environment,
    policy: RetryPolicy,
    request: impl FnMut() -> F,
) -> Result<T, E> {
    let while_transient = |error: &E, wait| error.is_transient().then_some(wait);
    retry_while(environment, policy, while_transient, request).await
}

/// As [`retry`], as long as `budget` has repetitions left. A limit per request bounds nothing in an outage: each of a
/// thousand requests would be repeated, and what they are sent to would get several times its load just when it cannot
/// carry it.
///
/// # Errors
/// The last one.
pub async fn retry_within<T, E: Transient, F: Future<Output = Result<T, E>>>(
    environment: &Environment,
    policy: RetryPolicy,
    budget: &RetryBudget,
    request: impl FnMut() -> F,
) -> Result<T, E> {
    budget.call();
    let while_paid_for = |error: &E, wait| (error.is_transient() && budget.take()).then_some(wait);
    retry_while(environment, policy, while_paid_for, request).await
}

/// As [`retry`], with a decision of the caller's own in place of [`Transient`]: `wait_after` is given each error and the
/// wait that the policy draws for it, and returns the wait that is right for this error, or `None` to give up. It is asked only
/// while the policy has attempts left.
///
/// # Errors
/// The last one.
pub async fn retry_while<T, E, F: Future<Output = Result<T, E>>>(
    environment: &Environment,
    policy: RetryPolicy,
    mut wait_after: impl FnMut(&E, Duration) -> Option<Duration>,
    mut request: impl FnMut() -> F,
) -> Result<T, E> {
    let mut failures = 0;
    loop {
        let error = match request().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        failures += 1;
        if failures >= policy.attempts_max {
            return Err(error);
        }
        match wait_after(&error, policy.backoff.after(failures, environment.random())) {
            Some(wait) => environment.clock().sleep(wait).await,
            None => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::SeededRandom;

    #[derive(Debug, PartialEq)]
    enum Trouble {
        Passing,
        Lasting,
    }

    impl Transient for Trouble {
        fn is_transient(&self) -> bool {
            *self == Self::Passing
        }
    }

    const POLICY: RetryPolicy = RetryPolicy::new(3, 0, 0);

    async fn attempts_of(answers: &[Result<(), Trouble>]) -> (u32, Result<(), Trouble>) {
        let sent = Cell::new(0);
        let result = retry(&Environment::system(), POLICY, || {
            let place = sent.replace(sent.get() + 1) as usize;
            let answer = match answers.get(place) {
                Some(Err(Trouble::Passing)) => Err(Trouble::Passing),
                Some(Err(Trouble::Lasting)) => Err(Trouble::Lasting),
                _ => Ok(()),
            };
            async { answer }
        })
        .await;
        (sent.get(), result)
    }

    #[tokio::test]
    async fn transient_errors_are_retried_up_to_the_limit() {
        let busy = || Err(Trouble::Passing);
        assert_eq!(attempts_of(&[busy(), busy(), Ok(())]).await, (3, Ok(())));
        assert_eq!(attempts_of(&[busy(), busy(), busy()]).await, (3, busy()));
    }

    #[tokio::test]
    async fn repetitions_end_with_the_budget() {
        let environment = Environment::system();
        let budget = RetryBudget::of(0, 1, environment.clone());
        let sent = Cell::new(0);
        for _ in 0..100 {
            let answer = retry_within(&environment, POLICY, &budget, || {
                sent.set(sent.get() + 1);
                async { Err::<(), _>(Trouble::Passing) }
            });
            assert_eq!(answer.await, Err(Trouble::Passing));
        }
        assert!((110..=112).contains(&sent.get()), "{} requests for 100", sent.get());
    }

    #[tokio::test]
    async fn lasting_errors_are_returned_at_once() {
        assert_eq!(attempts_of(&[Err(Trouble::Lasting)]).await, (1, Err(Trouble::Lasting)));
    }

    #[test]
    fn waits_grow_with_the_failures_up_to_the_longest_and_spread_over_the_whole_range() {
        let backoff = Backoff {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(60),
        };
        let random = SeededRandom::new(1);
        let longest_seen = |failures| (0..500).map(|_| backoff.after(failures, &random)).max().unwrap();
        assert!(longest_seen(1) <= Duration::from_secs(1));
        assert!(longest_seen(3) > Duration::from_secs(3) && longest_seen(3) <= Duration::from_secs(4));
        assert!(longest_seen(40) > Duration::from_secs(55) && longest_seen(u32::MAX) <= Duration::from_secs(60));
    }
}
