use std::sync::Arc;
use std::time::Duration;

use onecommit_engine::{DatabaseError, Table, TransientKind};
use onecommit_environment::Environment;
use onecommit_resilience::{Admission, RateLimit, RateLimitFault, RateLimits};
use onecommit_testing::MemoryDatabase;

use crate::common::virtual_environment;

const MILLISECOND: Duration = Duration::from_millis(1);

fn limits(database: &Arc<MemoryDatabase>, environment: &Environment) -> RateLimits {
    RateLimits::new(Arc::clone(database), Table::new("limits"), "pk", environment.clone())
}

fn unavailable() -> DatabaseError {
    DatabaseError::Transient(TransientKind::Unavailable, "down".into())
}

/// How many of the calls are admitted that each of the processes makes, one every `pause`.
async fn admitted(
    processes: &[RateLimits],
    environment: &Environment,
    limit: RateLimit,
    calls: u32,
    pause: Duration,
) -> u64 {
    let mut admitted = 0;
    for _ in 0..calls {
        for process in processes {
            admitted += u64::from(process.admit("key-1", limit).await == Admission::Admitted);
        }
        environment.clock().sleep(pause).await;
    }
    admitted
}

#[tokio::test(start_paused = true)]
async fn at_a_hundred_calls_a_second_a_call_costs_a_tenth_of_a_request() {
    for (limit, most) in [
        (RateLimit::new(100, Duration::from_secs(1)).unwrap(), 100),
        (RateLimit::per_minute(6_000).unwrap(), 15),
    ] {
        let (environment, database) = (virtual_environment(), Arc::default());
        let process = [limits(&database, &environment)];
        let calls = admitted(&process, &environment, limit, 1_000, 10 * MILLISECOND).await;
        assert!(calls >= 950, "{calls} admitted");
        assert!(database.requests() <= most + 10, "{} requests", database.requests());
    }
}

#[tokio::test(start_paused = true)]
async fn twenty_processes_exceed_a_limit_by_a_twentieth_at_most() {
    let (environment, database) = (virtual_environment(), Arc::default());
    let processes: Vec<RateLimits> = (0..20).map(|_| limits(&database, &environment)).collect();
    let limit = RateLimit::per_minute(1_000).unwrap();
    // 200 calls a second, for three minutes: in every one of them the limit is reached.
    let mut by_step = Vec::new();
    for _ in 0..180 {
        by_step.push(admitted(&processes, &environment, limit, 10, 100 * MILLISECOND).await);
    }
    let most = by_step
        .windows(60)
        .map(|minute| minute.iter().sum::<u64>())
        .max()
        .unwrap();
    assert!(most <= 1_050, "{most} in a minute");
    let all: u64 = by_step.iter().sum();
    assert!(all >= 2_700, "{all} in three minutes");
    // A refused call costs nothing until tokens may be there again.
    assert!(
        database.requests() <= 3_600,
        "{} requests for 36,000 calls",
        database.requests()
    );
}

#[tokio::test(start_paused = true)]
async fn a_burst_is_limited_and_told_when_to_return() {
    let (environment, database) = (virtual_environment(), Arc::default());
    let process = limits(&database, &environment);
    let limit = RateLimit::new(5, Duration::from_secs(10)).unwrap();
    for _ in 0..5 {
        assert_eq!(process.admit("a", limit).await, Admission::Admitted);
    }
    let Admission::Limited(after) = process.admit("a", limit).await else {
        panic!("the sixth call was admitted")
    };
    assert!(after <= Duration::from_millis(500), "{after:?}");
    assert_eq!(process.admit("b", limit).await, Admission::Admitted, "another's limit");
    environment.clock().sleep(Duration::from_millis(10_600)).await;
    assert_eq!(process.admit("a", limit).await, Admission::Admitted);
}

#[tokio::test(start_paused = true)]
async fn without_the_table_each_process_keeps_the_limit_for_itself() {
    let (environment, database) = (virtual_environment(), Arc::<MemoryDatabase>::default());
    let process = limits(&database, &environment);
    let limit = RateLimit::new(100, Duration::from_secs(10)).unwrap();
    let mut admitted = 0;
    for _ in 0..1_000 {
        database.fail_next(unavailable());
        admitted += u32::from(process.admit("a", limit).await == Admission::Admitted);
        environment.clock().sleep(10 * MILLISECOND).await;
    }
    assert!((90..=110).contains(&admitted), "{admitted}");
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_costs_tokens_and_never_grants_more() {
    let (environment, database) = (virtual_environment(), Arc::<MemoryDatabase>::default());
    let limit = RateLimit::new(10, Duration::from_secs(10)).unwrap();
    database.lose_next_answer(unavailable());
    let first = limits(&database, &environment);
    assert_eq!(first.admit("a", limit).await, Admission::Admitted);
    let second = [limits(&database, &environment)];
    let rest = second[0].admit("a", limit).await;
    assert_eq!(rest, Admission::Admitted);
    let mut others = 0;
    for _ in 0..20 {
        others += u32::from(second[0].admit("a", limit).await == Admission::Admitted);
    }
    assert!(others <= 8, "{others} after the lost one and the first");
}

#[tokio::test(start_paused = true)]
async fn a_clock_far_ahead_does_not_stop_the_others() {
    let (environment, database) = (virtual_environment(), Arc::<MemoryDatabase>::default());
    let limit = RateLimit::new(10, Duration::from_secs(10)).unwrap();
    let process = limits(&database, &environment);
    let ahead = Table::new("limits").update(onecommit_engine::Key::new("pk", "Rate#a"));
    let ahead = ahead
        .set("step", 9_999_999_999_i64)
        .set("total", 10)
        .set("u#9999999999", 10);
    onecommit_engine::TableWriter::write(&database, &ahead.into())
        .await
        .unwrap();
    assert_eq!(process.admit("a", limit).await, Admission::Admitted);
}

#[tokio::test(start_paused = true)]
async fn a_damaged_row_denies_without_a_panic() {
    let (environment, database) = (virtual_environment(), Arc::<MemoryDatabase>::default());
    let limit = RateLimit::new(10, Duration::from_secs(10)).unwrap();
    let process = limits(&database, &environment);
    let odd = Table::new("limits").update(onecommit_engine::Key::new("pk", "Rate#a"));
    let odd = odd.set("step", "soon").set("total", -4).set("u#x", 7);
    onecommit_engine::TableWriter::write(&database, &odd.into())
        .await
        .unwrap();
    assert!(matches!(process.admit("a", limit).await, Admission::Limited(_)));
}

#[test]
fn limits_that_cannot_be_kept_are_refused() {
    let second = Duration::from_secs(1);
    assert!(RateLimit::new(0, second).is_ok());
    for (calls, per, fault) in [
        (u64::MAX, second, RateLimitFault::TooManyCalls(u64::MAX)),
        (1, Duration::ZERO, RateLimitFault::Period(Duration::ZERO)),
        (1, Duration::MAX, RateLimitFault::Period(Duration::MAX)),
    ] {
        assert_eq!(RateLimit::new(calls, per), Err(fault));
    }
}
