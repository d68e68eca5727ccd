use std::time::Duration;

use onecommit_client::{
    ApiKey, CallContext, Circuit, CircuitSettings, Client, ClientSettings, Deadline, RetryPolicy, Trouble,
};
use onecommit_environment::{TraceContext, Tracer};
use onecommit_event::Metadata;
use serde_json::{Value, json};
use std::sync::Arc;

use crate::kit::{Service, address, environment, settings, uncached, with};

#[derive(Debug, PartialEq, serde::Deserialize)]
struct Price {
    cents: u32,
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_a_typed_value() {
    let service = Service::new().json(r#"{"cents": 1250, "unknown": true}"#);
    let price: Price = uncached(&service).get("/prices/1?in=EUR").await.unwrap();
    assert_eq!(price, Price { cents: 1250 });
    assert_eq!(service.asked()[0].uri, "http://prices.example/v1/prices/1?in=EUR");
}

#[tokio::test(start_paused = true)]
async fn an_empty_answer_is_nothing() {
    let service = Service::new().answers(|| crate::kit::json(204, &[], ""));
    uncached(&service).delete::<()>("/prices/1").await.unwrap();
    let none: Option<Price> = uncached(&service).put("/prices/1", &json!({"cents": 1})).await.unwrap();
    assert_eq!(none, None);
}

#[tokio::test(start_paused = true)]
async fn reads_are_tried_three_times_with_numbered_attempts() {
    let service = Service::new().status(503);
    let error = uncached(&service).get::<Value>("/prices/1").await.unwrap_err();
    assert_eq!((error.attempts(), error.status().unwrap().as_u16()), (3, 503));
    assert_eq!(
        error.to_string(),
        "prices: the service answered 503 (attempt 3, the last)"
    );
    let attempts: Vec<_> = service
        .asked()
        .iter()
        .map(|asked| asked.header("x-retry-attempt").unwrap().to_owned())
        .collect();
    assert_eq!(attempts, ["1", "2", "3"]);
}

#[tokio::test(start_paused = true)]
async fn a_post_without_a_key_is_sent_once() {
    let service = Service::new().status(503);
    let error = uncached(&service)
        .post::<Value>("/intents", &json!({}))
        .await
        .unwrap_err();
    assert_eq!((error.attempts(), service.asked().len()), (1, 1));
    assert!(error.is_transient());
}

#[tokio::test(start_paused = true)]
async fn an_idempotency_key_is_the_same_on_every_attempt() {
    let service = Service::new().status(503).status(503).json(r#"{"cents": 1}"#);
    let call = uncached(&service)
        .post::<Price>("/intents", &json!({}))
        .idempotency_key("pay_1");
    assert_eq!(call.await.unwrap(), Price { cents: 1 });
    let keys: Vec<_> = service
        .asked()
        .iter()
        .map(|asked| asked.header("idempotency-key").unwrap().to_owned())
        .collect();
    assert_eq!(keys, ["pay_1"; 3]);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_not_sent_again() {
    for status in [400, 401, 403, 404, 409, 422, 501] {
        let service = Service::new().status(status);
        let error = uncached(&service).get::<Value>("/prices/1").await.unwrap_err();
        assert_eq!((error.attempts(), error.status().unwrap().as_u16()), (1, status));
        assert_eq!(error.body::<Value>().unwrap().unwrap()["error"], "trouble");
    }
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_respected_within_the_time_limit() {
    for (after, attempts) in [("2", 2), ("7", 1)] {
        let service = Service::new()
            .answers(move || crate::kit::json(503, &[("retry-after", after)], "{}"))
            .json(r#"{"cents": 1}"#);
        let started = tokio::time::Instant::now();
        let answer = uncached(&service).get::<Price>("/prices/1").await;
        let took = started.elapsed();
        assert_eq!(service.asked().len(), attempts, "{after}");
        match answer {
            Ok(_) => assert!(took >= Duration::from_secs(2), "{took:?}"),
            Err(error) => assert!(
                took < Duration::from_secs(1) && error.status().unwrap() == 503,
                "{took:?}"
            ),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_limit_holds_over_all_attempts() {
    let service = Service::new().status(503).taking(Duration::from_secs(2));
    let started = tokio::time::Instant::now();
    let error = uncached(&service).get::<Value>("/prices/1").await.unwrap_err();
    assert_eq!(started.elapsed(), Duration::from_secs(5));
    assert!(
        matches!(error.trouble(), Trouble::TimedOut(limit) if *limit == Duration::from_secs(5)),
        "{error}"
    );
    assert_eq!(
        error.to_string(),
        "prices: there was no answer within 5000 ms (attempt 3, the last)"
    );
}

#[tokio::test(start_paused = true)]
async fn the_callers_deadline_shortens_the_limit_and_is_passed_on() {
    let service = Service::new().json("1").taking(Duration::from_secs(2));
    let client = uncached(&service);
    let deadline = Deadline::after(Duration::from_secs(1), environment().clock());
    let context = CallContext::correlated("order-17").until(deadline);
    let started = tokio::time::Instant::now();
    client.on_behalf_of(&context).get::<u32>("/prices/1").await.unwrap_err();
    assert_eq!(started.elapsed(), Duration::from_secs(1));
    assert_eq!(
        service.asked()[0].header("x-request-deadline"),
        Some("2026-11-22T07:00:01.000Z")
    );
}

#[tokio::test(start_paused = true)]
async fn a_caller_without_time_sends_nothing() {
    let service = Service::new().json("1");
    let context = CallContext::default().until(Deadline::after(Duration::ZERO, environment().clock()));
    let error = uncached(&service)
        .on_behalf_of(&context)
        .get::<u32>("/x")
        .await
        .unwrap_err();
    assert!(matches!(error.trouble(), Trouble::TimedOut(_)), "{error}");
    assert!(service.asked().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_hangs_leaves_time_for_another() {
    let service = Service::new().json("1").taking(Duration::from_secs(60));
    let settings = ClientSettings {
        attempt_within: Some(Duration::from_secs(1)),
        cache: None,
        retries: RetryPolicy::new(3, 0, 0),
        ..ClientSettings::default()
    };
    let error = with(&service, settings).get::<u32>("/x").await.unwrap_err();
    assert_eq!(error.attempts(), 3);
}

#[tokio::test(start_paused = true)]
async fn cause_trace_and_identity_go_along_and_are_shown_nowhere() {
    let service = Service::new().status(500);
    let settings = ClientSettings {
        identity: Some(Arc::new(ApiKey::new("s3cr3t-key").unwrap())),
        ..settings()
    };
    let mut cause = Metadata::caused_by("order-17", "evt-1");
    cause.traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into());
    let client = with(&service, settings).on_behalf_of(&CallContext::caused_by(&cause));
    let error = client.get::<Value>("/x").await.unwrap_err();
    for asked in service.asked() {
        assert_eq!(asked.header("x-correlation-id"), Some("order-17"));
        assert_eq!(asked.header("traceparent"), cause.traceparent.as_deref());
        assert_eq!(asked.header("x-api-key"), Some("s3cr3t-key"));
    }
    let shown = format!("{error} {error:?} {client:?} {:?}", ApiKey::new("s3cr3t-key"));
    assert!(!shown.contains("s3cr3t"), "{shown}");
}

/// Is always in one span, and writes a header of its own for it.
struct InSpan(TraceContext);

impl Tracer for InSpan {
    fn current(&self) -> Option<TraceContext> {
        Some(self.0.clone())
    }
    fn set_parent(&self, _span: &tracing::Span, _parent: &TraceContext) {}
    fn link(&self, _span: &tracing::Span, _to: &TraceContext) {}
    fn read_xray(&self, _header: &str) -> Option<TraceContext> {
        None
    }
    fn write_xray(&self, place: &TraceContext) -> Option<String> {
        Some(format!("of {}", place.traceparent()))
    }
    fn write(&self) {}
}

#[tokio::test(start_paused = true)]
async fn the_span_of_a_call_goes_along_for_w3c_and_for_xray() {
    let current = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";
    let span = InSpan(TraceContext::read(current, Some("vendor=1")).unwrap());
    let service = Service::new().json("7");
    let environment = environment().with_tracer(Arc::new(span));
    let client = Client::new(service.router(), address(), settings(), environment);
    let cause = CallContext::default().traced("00-4bf92f3577b34da6a3ce929d0e0e4736-b7ad6b7169203331-01");
    client.on_behalf_of(&cause).get::<u32>("/x").await.unwrap();
    let asked = &service.asked()[0];
    assert_eq!(asked.header("traceparent"), Some(current));
    assert_eq!(asked.header("tracestate"), Some("vendor=1"));
    assert_eq!(asked.header("x-amzn-trace-id"), Some(&*format!("of {current}")));
}

#[tokio::test(start_paused = true)]
async fn retries_stop_when_their_budget_is_spent() {
    let service = Service::new().status(503);
    let client = uncached(&service);
    for _ in 0..100 {
        let _ = client
            .get::<Value>("/x")
            .answer_within(Duration::from_millis(1_500))
            .await;
    }
    let sent = service.asked().len();
    assert!((100..=200).contains(&sent), "{sent} requests for 100 calls");
}

fn guarded(service: &Service) -> Client {
    let environment = environment();
    let circuit = Circuit::local("prices", CircuitSettings::default(), environment.clone()).unwrap();
    let settings = ClientSettings {
        circuit: Some(circuit),
        retries: RetryPolicy::new(1, 0, 0),
        ..settings()
    };
    Client::new(service.router(), address(), settings, environment)
}

#[tokio::test(start_paused = true)]
async fn after_five_failures_nothing_is_sent_for_30_s() {
    for service in [
        Service::new().status(500),
        Service::new().json("1").taking(Duration::from_secs(60)),
    ] {
        let client = guarded(&service);
        for _ in 0..5 {
            client.get::<u32>("/x").await.unwrap_err();
        }
        let error = client.get::<u32>("/x").await.unwrap_err();
        assert!(
            matches!(error.trouble(), Trouble::NotTried(_)) && error.is_transient(),
            "{error}"
        );
        assert_eq!(service.asked().len(), 5);
        tokio::time::sleep(Duration::from_secs(31)).await;
        client.get::<u32>("/x").await.unwrap_err();
        assert_eq!(service.asked().len(), 6, "it is tried again");
    }
}

#[tokio::test(start_paused = true)]
async fn while_the_circuit_is_open_the_last_answer_stands_in() {
    let service = Service::new().json("1").status(500);
    let client = guarded(&service);
    client.get::<u32>("/x").await.unwrap();
    tokio::time::sleep(Duration::from_secs(61)).await;
    for _ in 0..20 {
        let answer = client.get::<u32>("/x").answer().await.unwrap();
        assert!(answer.origin.stale_for().is_some());
    }
    assert_eq!(service.asked().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_late_read_is_hedged_where_enabled() {
    for hedges_reads in [false, true] {
        let service = Service::new().json("1").taking(Duration::from_millis(10));
        let settings = ClientSettings {
            hedges_reads,
            cache: None,
            ..settings()
        };
        let client = with(&service, settings);
        for _ in 0..30 {
            client.get::<u32>("/x").await.unwrap();
        }
        let late = service.clone().taking(Duration::from_millis(500));
        client.get::<u32>("/x").await.unwrap();
        client.post::<u32>("/x", &1).await.unwrap();
        assert_eq!(late.asked().len(), 32 + usize::from(hedges_reads));
    }
}
