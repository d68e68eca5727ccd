//! The layers in a stack, around services without a network.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use onecommit_engine::Table;
use onecommit_environment::Environment;
use onecommit_resilience::layers::{
    BulkheadLayer, CircuitLayer, Describe, FallbackLayer, HedgeLayer, RateLimitLayer, RetryLayer, TimeoutLayer,
};
use onecommit_resilience::{
    Bulkhead, Circuit, CircuitSettings, Deadline, Failure, Hedge, RateLimit, RateLimits, Repetition, Retries,
    RetryBudget, Stopped, THREE_ATTEMPTS,
};
use onecommit_testing::MemoryDatabase;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

use crate::common::{Trouble, virtual_environment};

const SECOND: Duration = Duration::from_secs(1);

/// A request, and the number of the attempt that it is.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Ask {
    is_read: bool,
    copies: bool,
    attempt: u32,
}

const READ: Ask = Ask {
    is_read: true,
    copies: true,
    attempt: 0,
};

#[derive(Clone)]
struct Asks(Environment);

impl Describe<Ask> for Asks {
    fn deadline(&self, _: &Ask) -> Deadline {
        Deadline::after(5 * SECOND, self.0.clock())
    }

    fn repetition(&self, ask: &Ask) -> Repetition {
        if ask.is_read {
            Repetition::Safe
        } else {
            Repetition::OnlyIfNeverSent
        }
    }

    fn is_read(&self, ask: &Ask) -> bool {
        ask.is_read
    }

    fn attempt(&self, ask: &Ask, attempt: u32) -> Option<Ask> {
        ask.copies.then_some(Ask { attempt, ..*ask })
    }
}

/// A downstream that answers each request with its attempt, or fails, and counts requests.
fn downstream(
    count: &Arc<AtomicU32>,
    answer: impl Fn(u32) -> Result<(), Failure> + Clone + Send + Sync + 'static,
) -> impl Service<Ask, Response = u32, Error = Trouble, Future: Send> + Clone + Send + Sync + 'static {
    let count = Arc::clone(count);
    service_fn(move |ask: Ask| {
        let answer = answer(count.fetch_add(1, Ordering::Relaxed));
        async move { answer.map(|()| ask.attempt).map_err(Trouble::Downstream) }
    })
}

fn count() -> Arc<AtomicU32> {
    Arc::default()
}

fn retries(environment: &Environment) -> RetryLayer<Asks> {
    let budget = RetryBudget::new(environment.clone());
    let retries = Retries::new(THREE_ATTEMPTS, budget, environment.clone());
    RetryLayer::new(retries, Asks(environment.clone()))
}

#[tokio::test(start_paused = true)]
async fn each_attempt_carries_its_number() {
    let (environment, count) = (virtual_environment(), count());
    let fails_twice = |number| if number < 2 { Err(Failure::Reset) } else { Ok(()) };
    let service = retries(&environment).layer(downstream(&count, fails_twice));
    assert_eq!(service.oneshot(READ).await, Ok(3));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_copied_is_sent_once() {
    let (environment, count) = (virtual_environment(), count());
    let service = retries(&environment).layer(downstream(&count, |_| Err(Failure::NeverSent)));
    let failed = service.oneshot(Ask { copies: false, ..READ }).await;
    assert_eq!(failed, Err(Trouble::Downstream(Failure::NeverSent)));
    assert_eq!(count.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn the_circuit_sees_each_attempt_and_what_hangs() {
    let environment = virtual_environment();
    let circuit = Circuit::local("slow", CircuitSettings::default(), environment.clone()).unwrap();
    let service = ServiceBuilder::new()
        .layer(retries(&environment))
        .layer(CircuitLayer::new(circuit.clone()))
        .layer(TimeoutLayer::new(
            SECOND,
            Asks(environment.clone()),
            environment.clone(),
        ))
        .service(service_fn(|_: Ask| pending::<Result<u32, Trouble>>()));
    for _ in 0..2 {
        let result = service.clone().oneshot(READ).await;
        assert!(result.is_err());
    }
    assert_eq!(circuit.state(), "open");
    let refused = service.oneshot(READ).await;
    assert!(matches!(refused, Err(Trouble::Stopped(Stopped::CircuitOpen(..)))));
}

#[tokio::test(start_paused = true)]
async fn a_full_bulkhead_refuses_at_once_or_lets_a_few_wait() {
    let environment = virtual_environment();
    let clock = environment.clone();
    let slow = service_fn(move |_: Ask| {
        let clock = clock.clone();
        async move {
            clock.clock().sleep(SECOND).await;
            Ok::<_, Trouble>(())
        }
    });
    let full = Err(Trouble::Stopped(Stopped::BulkheadFull("b".to_owned())));
    for (waiting, wait, served) in [(0, Duration::ZERO, 2), (1, 2 * SECOND, 3), (5, SECOND / 2, 2)] {
        let bulkhead = Bulkhead::with_waiting("b", 2, waiting, wait, environment.clone());
        let service = BulkheadLayer::new(bulkhead).layer(slow.clone());
        let results = join_all((0..8).map(|_| service.clone().oneshot(READ))).await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), served);
        assert!(results.iter().all(|result| result.is_ok() || *result == full));
        assert_eq!(service.oneshot(READ).await, Ok(()), "places are given back");
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_read_is_hedged_and_a_write_never() {
    let (environment, count) = (virtual_environment(), count());
    let (clock, requests) = (environment.clone(), Arc::clone(&count));
    let service = service_fn(move |_: Ask| {
        let (clock, number) = (clock.clone(), requests.fetch_add(1, Ordering::Relaxed));
        async move {
            // Each one in fifty hangs for long.
            let takes = if number % 50 == 49 { 60 * SECOND } else { SECOND / 100 };
            clock.clock().sleep(takes).await;
            Ok::<_, Trouble>(())
        }
    });
    let budget = RetryBudget::new(environment.clone());
    let hedge = Hedge::new(budget.clone(), environment.clone());
    let service = HedgeLayer::new(hedge, Asks(environment.clone())).layer(service);
    let started = environment.clock().instant();
    for _ in 0..200 {
        budget.call();
        service.clone().oneshot(READ).await.unwrap();
    }
    let took = environment.clock().instant() - started;
    assert!(took < 3 * SECOND, "{took:?}");
    assert!(count.load(Ordering::Relaxed) < 215, "{count:?}");
    count.store(49, Ordering::Relaxed);
    let write = Ask { is_read: false, ..READ };
    let started = environment.clock().instant();
    service.oneshot(write).await.unwrap();
    assert_eq!(environment.clock().instant() - started, 60 * SECOND);
    assert_eq!(count.load(Ordering::Relaxed), 50);
}

#[tokio::test(start_paused = true)]
async fn a_downstream_that_is_slow_as_a_whole_gets_few_hedges() {
    let (environment, count) = (virtual_environment(), count());
    let budget = RetryBudget::new(environment.clone());
    let hedge = Hedge::new(budget.clone(), environment.clone());
    for _ in 0..40 {
        hedge.run(async || Ok::<_, Trouble>(())).await.unwrap();
    }
    let calls = (0..1_000).map(|_| {
        budget.call();
        hedge.run(|| {
            count.fetch_add(1, Ordering::Relaxed);
            async {
                environment.clock().sleep(SECOND).await;
                Ok::<_, Trouble>(())
            }
        })
    });
    assert!(join_all(calls).await.iter().all(Result::is_ok));
    assert!(count.load(Ordering::Relaxed) <= 1_110, "{count:?}");
}

#[tokio::test(start_paused = true)]
async fn a_limited_subject_is_told_when_to_return() {
    let environment = virtual_environment();
    let limits = RateLimits::new(
        Arc::new(MemoryDatabase::default()),
        Table::new("limits"),
        "pk",
        environment.clone(),
    );
    let limit = RateLimit::new(3, SECOND).unwrap();
    let subject_of = move |ask: &Ask| ask.is_read.then(|| ("reader".to_owned(), limit));
    let service = RateLimitLayer::new(limits, subject_of).layer(downstream(&count(), |_| Ok(())));
    let results = join_all((0..5).map(|_| service.clone().oneshot(READ))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 3);
    assert!(matches!(results[4], Err(Trouble::Stopped(Stopped::RateLimited(_)))));
    let other = Ask { is_read: false, ..READ };
    assert!(service.oneshot(other).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_fallback_answers_for_what_does_not_serve() {
    let environment = virtual_environment();
    for (failure, answer) in [
        (Failure::Unavailable(None), Ok(99)),
        (Failure::Throttled(None), Ok(99)),
        (Failure::Refused, Err(Trouble::Downstream(Failure::Refused))),
    ] {
        let fallback = |ask: Option<Ask>, _: Trouble| async move { Ok(ask.map_or(0, |_| 99)) };
        let service =
            FallbackLayer::new(Asks(environment.clone()), fallback).layer(downstream(&count(), move |_| Err(failure)));
        assert_eq!(service.oneshot(READ).await, answer);
    }
}
