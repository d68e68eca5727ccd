//! The circuit of one process.

use std::cell::Cell;
use std::future::pending;
use std::time::Duration;

use onecommit_environment::Environment;
use onecommit_resilience::{Answered, Circuit, CircuitSettings, Failure, Stopped};

use crate::common::{Trouble, virtual_environment};

fn circuit(environment: &Environment) -> Circuit {
    Circuit::local("warehouse", CircuitSettings::default(), environment.clone()).unwrap()
}

async fn fails(circuit: &Circuit, failure: Failure) -> Result<(), Trouble> {
    circuit.call(|| async { Err(Trouble::Downstream(failure)) }).await
}

async fn works(circuit: &Circuit) -> Result<(), Trouble> {
    circuit.call(|| async { Ok(()) }).await
}

async fn opened(environment: &Environment) -> Circuit {
    let circuit = circuit(environment);
    for _ in 0..5 {
        let _ = fails(&circuit, Failure::Reset).await;
    }
    assert_eq!(circuit.state(), "open");
    circuit
}

fn is_refused(result: &Result<(), Trouble>) -> bool {
    matches!(result, Err(Trouble::Stopped(Stopped::CircuitOpen(name, _))) if name == "warehouse")
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_refuses_by_name_and_time() {
    let environment = virtual_environment();
    let circuit = opened(&environment).await;
    let refused = works(&circuit).await;
    let expected = Stopped::CircuitOpen("warehouse".to_owned(), Duration::from_secs(30));
    assert_eq!(refused, Err(Trouble::Stopped(expected)));
}

#[tokio::test(start_paused = true)]
async fn refusals_and_throttling_do_not_open_it() {
    let environment = virtual_environment();
    let circuit = circuit(&environment);
    for _ in 0..100 {
        for failure in [Failure::Refused, Failure::Throttled(None), Failure::NotTried] {
            assert_eq!(fails(&circuit, failure).await, Err(Trouble::Downstream(failure)));
        }
    }
    assert_eq!(circuit.state(), "closed");
}

#[tokio::test(start_paused = true)]
async fn it_recovers_through_three_successes() {
    let environment = virtual_environment();
    let circuit = opened(&environment).await;
    environment.clock().sleep(Duration::from_secs(30)).await;
    for state in ["half-open", "half-open", "closed"] {
        assert_eq!(works(&circuit).await, Ok(()));
        assert_eq!(circuit.state(), state);
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_gives_its_permit_back() {
    let environment = virtual_environment();
    let circuit = opened(&environment).await;
    environment.clock().sleep(Duration::from_secs(30)).await;
    for _ in 0..10 {
        let hangs = circuit.call(pending::<Result<(), Trouble>>);
        assert!(environment.within(Duration::from_millis(1), hangs).await.is_none());
    }
    assert_eq!(works(&circuit).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn slow_answers_open_it() {
    let environment = virtual_environment();
    let circuit = circuit(&environment);
    let slow = CircuitSettings::default().slow_after;
    let calls = (0..20).map(|_| {
        circuit.call(|| async {
            environment.clock().sleep(slow).await;
            Ok::<_, Trouble>(())
        })
    });
    assert!(futures_util::future::join_all(calls).await.iter().all(Result::is_ok));
    assert!(is_refused(&works(&circuit).await));
}

#[tokio::test(start_paused = true)]
async fn a_fallback_answers_failures_and_while_the_circuit_is_open() {
    let environment = virtual_environment();
    let circuit = circuit(&environment);
    let asked = Cell::new(0);
    let age = Duration::from_secs(61);
    let call = |failure| {
        let asked = &asked;
        circuit.call_or(
            move || {
                asked.set(asked.get() + 1);
                async move { Err(Trouble::Downstream(failure)) }
            },
            |_: &Trouble| async { Some(Answered::Stale("cached", Duration::from_secs(61))) },
        )
    };
    for _ in 0..20 {
        assert_eq!(call(Failure::Timeout).await, Ok(Answered::Stale("cached", age)));
    }
    assert_eq!(asked.get(), 5, "the downstream is not asked any more");
    let queued = circuit.call_or(|| async { Ok(()) }, |_: &Trouble| async { Some(Answered::Queued) });
    assert_eq!(queued.await, Ok(Answered::Queued));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_keeps_its_error_and_a_missing_fallback_the_cause() {
    let environment = virtual_environment();
    let refused = circuit(&environment)
        .call_or(
            || async { Err(Trouble::Downstream(Failure::Refused)) },
            |_| async { Some(Answered::Default(7)) },
        )
        .await;
    assert_eq!(refused, Err(Trouble::Downstream(Failure::Refused)));
    let circuit = opened(&environment).await;
    let nothing = circuit.call_or(|| async { Ok(()) }, |_: &Trouble| async { None }).await;
    assert!(is_refused(&nothing.map(|_| ())));
}

#[tokio::test(start_paused = true)]
async fn a_name_that_cannot_be_a_stream_is_refused() {
    for name in ["", "two\nlines"] {
        let made = Circuit::local(name, CircuitSettings::default(), virtual_environment());
        assert!(made.unwrap_err().to_string().contains("name"));
    }
}
