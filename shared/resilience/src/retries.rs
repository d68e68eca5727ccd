use std::future::Future;
use std::time::Duration;

use onecommit_engine::Deadline;
use onecommit_environment::{Environment, RetryBudget, RetryPolicy, retry_while};

use crate::failure::{Classify, Repetition, Stopped};
use crate::nesting::{as_attempt, current_attempt};

/// The preset: three attempts in all, waits of up to 1 s that double, to 10 s at most.
pub const THREE_ATTEMPTS: RetryPolicy = RetryPolicy::new(3, 1_000, 10_000);

/// The time that has to be left of a deadline for one more attempt. A shorter attempt would only time out, and its timeout would
/// replace the error of the attempts before it.
const SHORTEST_ATTEMPT: Duration = Duration::from_millis(5);

/// Sends a failed request again: full jitter, never before what `Retry-After` asked for, within the deadline, out of a
/// budget, and only in the outermost of the layers that retry.
///
/// ```
/// # use onecommit_resilience::{Classify, Failure, Repetition, Retries, RetryBudget, Stopped, THREE_ATTEMPTS};
/// # use onecommit_engine::Deadline;
/// # use onecommit_environment::Environment;
/// # use std::time::Duration;
/// # #[derive(Debug)] struct Trouble;
/// # impl Classify for Trouble { fn failure(&self) -> Failure { Failure::Refused } }
/// # impl From<Stopped> for Trouble { fn from(_: Stopped) -> Self { Self } }
/// # async fn ask(attempt: u32) -> Result<u32, Trouble> { Ok(attempt) }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Trouble> {
/// let environment = Environment::system();
/// let retries = Retries::new(THREE_ATTEMPTS, RetryBudget::new(environment.clone()), environment.clone());
/// let deadline = Deadline::after(Duration::from_secs(5), environment.clock());
/// let answer = retries.run(deadline, Repetition::Safe, |attempt| ask(attempt)).await?;
/// # assert_eq!(answer, 1);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Retries {
    policy: RetryPolicy,
    attempt_limit: Option<Duration>,
    budget: RetryBudget,
    environment: Environment,
}

impl Retries {
    /// Retries by this policy, out of this budget. Clones share the budget.
    #[must_use]
    pub fn new(policy: RetryPolicy, budget: RetryBudget, environment: Environment) -> Self {
        Self {
            policy,
            attempt_limit: None,
            budget,
            environment,
        }
    }

    /// Ends each attempt after `limit`, so that one that hangs leaves time for another.
    #[must_use]
    pub fn with_attempt_limit(mut self, limit: Duration) -> Self {
        self.attempt_limit = Some(limit);
        self
    }

    /// The budget that these retries are taken from.
    #[must_use]
    pub fn budget(&self) -> &RetryBudget {
        &self.budget
    }

    /// Runs `attempt` with its number, 1 for the first, until it succeeds or another one is not worth it.
    ///
    /// Inside of another layer's attempt it is run once. It is dropped when the deadline passes.
    ///
    /// # Errors
    /// The last one; [`Stopped::DeadlineExceeded`] when there was no answer before the deadline. What `Retry-After` asks for and
    /// does not fit into the deadline fails at once, with the error that asked for it.
    pub async fn run<T, E, F>(
        &self,
        deadline: Deadline,
        repetition: Repetition,
        mut attempt: impl FnMut(u32) -> F,
    ) -> Result<T, E>
    where
        E: Classify + From<Stopped>,
        F: Future<Output = Result<T, E>>,
    {
        let outer = current_attempt();
        let policy = RetryPolicy {
            attempts_max: if outer.is_some() { 1 } else { self.policy.attempts_max },
            ..self.policy
        };
        if outer.is_none() {
            self.budget.call();
        }
        // Inside of another layer's attempt, that attempt's number is the one to tell.
        let mut number = outer.unwrap_or(1);
        retry_while(
            &self.environment,
            policy,
            |error: &E, wait| self.wait_after(error, wait, deadline, repetition),
            || {
                let this = number;
                number += 1;
                self.cut_off(deadline, as_attempt(this, attempt(this)))
            },
        )
        .await
    }

    /// Makes one attempt that cannot be repeated, within the deadline.
    ///
    /// # Errors
    /// Its own; [`Stopped::DeadlineExceeded`] when there was no answer before the deadline.
    pub async fn run_once<T, E: From<Stopped>>(
        &self,
        deadline: Deadline,
        attempt: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let outer = current_attempt();
        if outer.is_none() {
            self.budget.call();
        }
        self.cut_off(deadline, as_attempt(outer.unwrap_or(1), attempt)).await
    }

    fn wait_after(
        &self,
        error: &impl Classify,
        drawn: Duration,
        deadline: Deadline,
        repetition: Repetition,
    ) -> Option<Duration> {
        let failure = error.failure();
        if !failure.is_retryable(repetition) {
            return None;
        }
        let remaining = deadline.remaining(self.environment.clock());
        let remaining = remaining.saturating_sub(SHORTEST_ATTEMPT);
        let floor = failure.retry_after().unwrap_or(Duration::ZERO);
        if floor >= remaining {
            return None;
        }
        // The drawn wait is added to the floor: those that were told the same time would otherwise return together.
        let jittered = floor.saturating_add(drawn);
        let wait = match failure.retry_after() {
            // The floor alone fits: that is what the downstream asked for.
            Some(floor) if jittered >= remaining => floor,
            _ => jittered,
        };
        (wait < remaining && self.budget.take()).then_some(wait)
    }

    async fn cut_off<T, E: From<Stopped>>(
        &self,
        deadline: Deadline,
        attempt: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let remaining = deadline.remaining(self.environment.clock());
        let (limit, stopped) = match self.attempt_limit {
            Some(limit) if limit < remaining => (limit, Stopped::AttemptTimedOut(limit)),
            _ => (remaining, Stopped::DeadlineExceeded),
        };
        if limit.is_zero() {
            return Err(stopped.into());
        }
        self.environment
            .within(limit, attempt)
            .await
            .unwrap_or_else(|| Err(stopped.into()))
    }
}
