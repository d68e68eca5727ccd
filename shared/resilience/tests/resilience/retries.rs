use std::cell::{Cell, RefCell};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use onecommit_environment::{Environment, SeededRandom, Timestamp};
use onecommit_resilience::{
    Deadline, Failure, Repetition, Retries, RetryBudget, Stopped, THREE_ATTEMPTS, as_attempt, current_attempt,
};
use onecommit_testing::VirtualClock;

use crate::common::{Trouble, virtual_environment};

const SECOND: Duration = Duration::from_secs(1);

fn retries(environment: &Environment) -> Retries {
    Retries::new(
        THREE_ATTEMPTS,
        RetryBudget::new(environment.clone()),
        environment.clone(),
    )
}

/// The seconds after the start at which attempts began that all fail so, and how the call ended.
async fn attempts(deadline: Duration, repetition: Repetition, failure: Failure) -> (Vec<f64>, Trouble) {
    let environment = virtual_environment();
    let started = environment.clock().instant();
    let begun = RefCell::new(Vec::new());
    let deadline = Deadline::after(deadline, environment.clock());
    let result = retries(&environment)
        .run(deadline, repetition, |_| {
            let passed = environment.clock().instant().duration_since(started);
            begun.borrow_mut().push(passed.as_secs_f64());
            async move { Err::<(), _>(Trouble::Downstream(failure)) }
        })
        .await;
    (begun.into_inner(), result.unwrap_err())
}

#[tokio::test(start_paused = true)]
async fn a_fault_is_retried_twice_with_waits_below_the_preset() {
    let (begun, error) = attempts(60 * SECOND, Repetition::Safe, Failure::Reset).await;
    assert_eq!(begun.len(), 3);
    assert!(begun[1] <= 1.0 && begun[2] - begun[1] <= 2.0, "{begun:?}");
    assert_eq!(error, Trouble::Downstream(Failure::Reset));
}

#[tokio::test(start_paused = true)]
async fn what_may_have_taken_effect_is_sent_once_unless_it_is_safe() {
    let once = Repetition::OnlyIfNeverSent;
    assert_eq!(attempts(60 * SECOND, once, Failure::Timeout).await.0.len(), 1);
    assert_eq!(attempts(60 * SECOND, once, Failure::NeverSent).await.0.len(), 3);
    assert_eq!(
        attempts(60 * SECOND, Repetition::Safe, Failure::Refused).await.0.len(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_a_floor_above_the_longest_wait() {
    for failure in [Failure::Throttled, Failure::Unavailable] {
        let (begun, _) = attempts(120 * SECOND, Repetition::Safe, failure(Some(20 * SECOND))).await;
        assert_eq!(begun.len(), 3);
        assert!(begun[1] >= 20.0 && begun[2] - begun[1] >= 20.0, "{begun:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_floor_that_does_not_fit_the_deadline_fails_now() {
    let failure = Failure::Throttled(Some(10 * SECOND));
    let (begun, error) = attempts(10 * SECOND, Repetition::Safe, failure).await;
    assert_eq!(begun, [0.0]);
    assert_eq!(error, Trouble::Downstream(failure));
}

#[tokio::test(start_paused = true)]
async fn a_floor_that_just_fits_is_kept_without_jitter() {
    let failure = Failure::Throttled(Some(10 * SECOND));
    let (begun, _) = attempts(10 * SECOND + Duration::from_millis(10), Repetition::Safe, failure).await;
    assert_eq!(begun.len(), 2);
    assert!((10.0..10.001).contains(&begun[1]), "{begun:?}");
}

#[tokio::test(start_paused = true)]
async fn the_deadline_is_over_all_attempts() {
    let environment = virtual_environment();
    let started = environment.clock().instant();
    let deadline = Deadline::after(5 * SECOND, environment.clock());
    let attempts = Cell::new(0);
    let result = retries(&environment)
        .with_attempt_limit(2 * SECOND)
        .run(deadline, Repetition::Safe, |_| {
            attempts.set(attempts.get() + 1);
            pending::<Result<(), Trouble>>()
        })
        .await;
    assert!(attempts.get() > 1);
    assert!(environment.clock().instant().duration_since(started) <= 5 * SECOND);
    let ended = [Stopped::DeadlineExceeded, Stopped::AttemptTimedOut(2 * SECOND)].map(Trouble::Stopped);
    assert!(ended.contains(&result.unwrap_err()));
}

/// Whatever waits are drawn: an attempt without time does not hide the error of the one before.
#[tokio::test(start_paused = true)]
async fn what_answers_at_once_is_never_called_too_slow() {
    let clock = Arc::new(VirtualClock::showing(Timestamp::from_unix_ms(1_800_000_000_000)));
    for seed in 0..2_000 {
        let environment = Environment::new(clock.clone(), Arc::new(SeededRandom::new(seed)));
        let deadline = Deadline::after(Duration::from_millis(900), environment.clock());
        let failure = Failure::Unavailable(None);
        let result = retries(&environment)
            .run(deadline, Repetition::Safe, |_| async {
                Err::<(), _>(Trouble::Downstream(failure))
            })
            .await;
        assert_eq!(result, Err(Trouble::Downstream(failure)), "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_time_nothing_is_sent() {
    let (begun, error) = attempts(Duration::ZERO, Repetition::Safe, Failure::Reset).await;
    assert!(error == Trouble::Stopped(Stopped::DeadlineExceeded), "{begun:?}");
}

#[tokio::test(start_paused = true)]
async fn a_dead_downstream_gets_a_tenth_more_and_no_more() {
    let environment = virtual_environment();
    let retries = retries(&environment);
    let sent = Cell::new(0_u32);
    let calls = 6_000;
    let one = |number: u32| {
        let (environment, retries, sent) = (&environment, &retries, &sent);
        async move {
            environment.clock().sleep(number * Duration::from_millis(5)).await;
            let attempt = |_| {
                sent.set(sent.get() + 1);
                async { Err::<(), _>(Trouble::Downstream(Failure::Unavailable(None))) }
            };
            let deadline = Deadline::after(5 * SECOND, environment.clock());
            retries.run(deadline, Repetition::Safe, attempt).await
        }
    };
    let results = join_all((0..calls).map(one)).await;
    assert!(results.iter().all(Result::is_err));
    // A tenth, one a second for 30 s, and the ten that a fresh budget holds.
    assert!(
        sent.get() > calls && sent.get() <= calls * 11 / 10 + 40,
        "{}",
        sent.get()
    );
}

#[tokio::test(start_paused = true)]
async fn the_outermost_layer_retries_alone() {
    let environment = virtual_environment();
    let retries = retries(&environment);
    let numbers = RefCell::new(Vec::new());
    let deadline = Deadline::none();
    let innermost = |number| {
        numbers.borrow_mut().push(number);
        async { Err::<(), _>(Trouble::Downstream(Failure::Reset)) }
    };
    let middle = |_| retries.run(deadline, Repetition::Safe, innermost);
    let result = retries.run(deadline, Repetition::Safe, middle).await;
    assert_eq!(result, Err(Trouble::Downstream(Failure::Reset)));
    assert_eq!(*numbers.borrow(), [1, 2, 3], "three attempts in all, not nine");
}

#[tokio::test(start_paused = true)]
async fn a_server_whose_caller_retries_does_not() {
    let environment = virtual_environment();
    let retries = retries(&environment);
    let attempt = |number| async move {
        assert_eq!((number, current_attempt()), (2, Some(2)));
        Err::<(), _>(Trouble::Downstream(Failure::Reset))
    };
    let served = as_attempt(2, retries.run(Deadline::none(), Repetition::Safe, attempt)).await;
    assert!(served.is_err());
    assert_eq!(current_attempt(), None);
}
