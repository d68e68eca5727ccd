//! What a platform sees of a service's health, and what those it depends on notice of being asked.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{Method, Request, Response, StatusCode, Uri};
use axum::routing::any;
use futures_util::future::join_all;
use onecommit_engine::{DatabaseError, Key, Table, TransientKind};
use onecommit_environment::{Environment, SeededRandom, Timestamp};
use onecommit_http::health::{Health, ProbeFailure, ProbeResult, downstream, query_answers, row_answers, unless_open};
use onecommit_http::json_errors;
use onecommit_testing::{MemoryDatabase, VirtualClock};
use serde_json::{Value, json};
use tower::{ServiceExt, service_fn};

fn environment() -> Environment {
    let clock = VirtualClock::showing(Timestamp::from_unix_ms(0));
    Environment::new(Arc::new(clock), Arc::new(SeededRandom::new(1)))
}

async fn ask(api: &Router, method: &str, path: &str) -> (u16, Value) {
    let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    let response = api.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

async fn fine() -> ProbeResult {
    Ok(())
}

async fn down() -> ProbeResult {
    Err(ProbeFailure::Unreachable)
}

/// A probe that counts how often it is made.
fn counted(count: &Arc<AtomicUsize>) -> impl Fn() -> std::future::Ready<ProbeResult> + Send + Sync + use<> {
    let count = count.clone();
    move || {
        count.fetch_add(1, Ordering::Relaxed);
        std::future::ready(Ok(()))
    }
}

#[tokio::test(start_paused = true)]
async fn only_a_required_check_makes_a_service_unhealthy() {
    for (database, mail, status, word, ready) in [
        (true, true, 200, "healthy", 200),
        (true, false, 200, "degraded", 200),
        (false, true, 503, "unhealthy", 503),
        (false, false, 503, "unhealthy", 503),
    ] {
        let health = Health::new(environment());
        let health = if database {
            health.required("database", fine)
        } else {
            health.required("database", down)
        };
        let health = if mail {
            health.optional("mail", fine)
        } else {
            health.optional("mail", down)
        };
        let api = json_errors(health.router());
        let (answered, report) = ask(&api, "GET", "/health").await;
        assert_eq!((answered, &report["status"]), (status, &json!(word)), "{report}");
        assert_eq!(
            (&report["version"], &report["timestamp"]),
            (&json!("unknown"), &json!("1970-01-01T00:00:00.000Z"))
        );
        let error = if mail { Value::Null } else { json!("unreachable") };
        assert_eq!(report["checks"]["mail"]["error"], error);
        let (answered, report) = ask(&api, "GET", "/health/ready").await;
        assert_eq!((answered, report["checks"].get("mail")), (ready, None));
        assert_eq!(ask(&api, "GET", "/health/live").await.0, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn whether_a_process_lives_is_answered_without_asking_anybody() {
    let count = Arc::default();
    let api = json_errors(
        Health::new(environment())
            .required("database", counted(&count))
            .router(),
    );
    assert_eq!(ask(&api, "GET", "/health/live").await.1["checks"], json!({}));
    assert_eq!(count.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn head_is_answered_like_get_without_the_body() {
    let api = json_errors(Health::new(environment()).required("database", down).router());
    for (path, status) in [("/health", 503), ("/health/ready", 503), ("/health/live", 200)] {
        assert_eq!(ask(&api, "HEAD", path).await, (status, Value::Null), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn checks_run_side_by_side_and_take_a_second_at_most() {
    let health = Health::new(environment());
    let health = health.required("hangs", pending::<ProbeResult>);
    let api = json_errors(health.optional("hangs too", pending::<ProbeResult>).router());
    let began = tokio::time::Instant::now();
    let (status, report) = ask(&api, "GET", "/health").await;
    assert_eq!((status, began.elapsed()), (503, Duration::from_secs(1)));
    for name in ["hangs", "hangs too"] {
        let check = json!({"status": "unhealthy", "latencyMs": 1000, "error": "timeout"});
        assert_eq!(report["checks"][name], check);
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_requests_within_a_second_are_one_probe_and_the_kept_answer_says_so() {
    let count = Arc::default();
    let api = json_errors(
        Health::new(environment())
            .required("database", counted(&count))
            .router(),
    );
    let first = join_all((0..500).map(|_| ask(&api, "GET", "/health"))).await;
    assert!(first.iter().all(|(status, _)| *status == 200));
    tokio::time::advance(Duration::from_millis(999)).await;
    for (_, report) in join_all((0..500).map(|_| ask(&api, "GET", "/health/ready"))).await {
        assert_eq!(report["checks"]["database"]["stale"], json!(true));
    }
    assert_eq!(count.load(Ordering::Relaxed), 1);
    tokio::time::advance(Duration::from_millis(1)).await;
    let (_, report) = ask(&api, "GET", "/health").await;
    assert_eq!(
        (report["checks"]["database"].get("stale"), count.load(Ordering::Relaxed)),
        (None, 2)
    );
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_leaves_its_probe_to_the_next() {
    let count = Arc::new(AtomicUsize::new(0));
    let counting = count.clone();
    let probe = move || {
        counting.fetch_add(1, Ordering::Relaxed);
        async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            Ok(())
        }
    };
    let api = json_errors(Health::new(environment()).required("slow", probe).router());
    let gives_up = tokio::time::timeout(Duration::from_millis(100), ask(&api, "GET", "/health"));
    assert!(gives_up.await.is_err());
    assert_eq!(ask(&api, "GET", "/health").await.0, 200);
    assert_eq!(count.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_panics_is_a_check_that_fails() {
    async fn panics() -> ProbeResult {
        panic!("a secret")
    }
    let api = json_errors(Health::new(environment()).required("odd", panics).router());
    let (status, report) = ask(&api, "GET", "/health").await;
    assert_eq!((status, &report["checks"]["odd"]["error"]), (503, &json!("panicked")));
}

#[tokio::test(start_paused = true)]
async fn what_a_process_knows_of_itself_is_never_kept() {
    let draining = Arc::new(AtomicBool::new(false));
    let state = draining.clone();
    let state = move || match state.load(Ordering::Relaxed) {
        false => Ok(()),
        true => Err(ProbeFailure::Draining),
    };
    let api = json_errors(Health::new(environment()).known("queue", state).router());
    assert_eq!(ask(&api, "GET", "/health/ready").await.0, 200);
    draining.store(true, Ordering::Relaxed);
    let (status, report) = ask(&api, "GET", "/health/ready").await;
    assert_eq!((status, &report["checks"]["queue"]["error"]), (503, &json!("draining")));
}

/// The error of a check of a service that answers like this, and the methods that it was asked with.
async fn judged<F>(answer: impl Fn(Method) -> F + Clone + Send + Sync + 'static, times: usize) -> (Value, Vec<Method>)
where
    F: Future<Output = Result<Response<Body>, io::Error>> + Send + 'static,
{
    let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
    let noted = asked.clone();
    let service = service_fn(move |request: Request<Bytes>| {
        noted.lock().unwrap().push(request.method().clone());
        answer(request.method().clone())
    });
    let probe = downstream(service, Uri::from_static("http://secret.internal/v1"));
    let api = json_errors(Health::new(environment()).optional("other", probe).router());
    let mut error = Value::Null;
    for _ in 0..times {
        let (status, report) = ask(&api, "GET", "/health").await;
        assert_eq!(status, 200);
        assert!(!report.to_string().contains("secret"), "{report}");
        error = report["checks"]["other"]["error"].clone();
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    let asked = asked.lock().unwrap().clone();
    (error, asked)
}

fn with(status: u16) -> Result<Response<Body>, io::Error> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    Ok(response)
}

#[tokio::test(start_paused = true)]
async fn another_service_is_judged_by_its_status_alone() {
    for (status, error) in [
        (200, Value::Null),
        (204, Value::Null),
        (302, Value::Null),
        (401, json!("misconfigured")),
        (404, json!("misconfigured")),
        (429, json!("throttled")),
        (503, json!("answeredWithError")),
    ] {
        let (judged, asked) = judged(move |_| async move { with(status) }, 1).await;
        assert_eq!((judged, asked), (error, vec![Method::HEAD]), "{status}");
    }
    let (error, _) = judged(|_| pending(), 1).await;
    assert_eq!(error, json!("timeout"));
    let (error, _) = judged(|_| async { Err(io::Error::other("secret: connection reset")) }, 1).await;
    assert_eq!(error, json!("unreachable"));
}

#[tokio::test(start_paused = true)]
async fn a_service_without_head_is_asked_with_get_from_then_on() {
    let answer = |method| async move {
        match method {
            Method::HEAD => with(405),
            // A body that never ends is not read.
            _ => Ok(Response::new(Body::from_stream(futures_util::stream::repeat_with(
                || Ok::<_, Infallible>(Bytes::from(vec![b'x'; 1 << 20])),
            )))),
        }
    };
    let (error, asked) = judged(answer, 3).await;
    assert_eq!(
        (error, asked),
        (Value::Null, vec![Method::HEAD, Method::GET, Method::GET, Method::GET])
    );
}

#[tokio::test(start_paused = true)]
async fn an_axum_router_is_a_service_like_any_other() {
    let other = Router::new().route("/health/live", any(|| async { "fine" }));
    let probe = downstream::<_, Body, _>(other, Uri::from_static("/health/live"));
    let api = json_errors(Health::new(environment()).optional("other", probe).router());
    assert_eq!(ask(&api, "GET", "/health").await.1["status"], "healthy");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_while_the_circuit_is_open() {
    let count = Arc::default();
    let open = Arc::new(AtomicBool::new(true));
    let is_open = open.clone();
    let probe = unless_open(move || is_open.load(Ordering::Relaxed), counted(&count));
    let api = json_errors(Health::new(environment()).optional("other", probe).router());
    let (status, report) = ask(&api, "GET", "/health").await;
    assert_eq!(
        (status, &report["checks"]["other"]["error"]),
        (200, &json!("circuitOpen"))
    );
    assert_eq!(count.load(Ordering::Relaxed), 0);
    open.store(false, Ordering::Relaxed);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(ask(&api, "GET", "/health").await.1["status"], "healthy");
}

#[tokio::test(start_paused = true)]
async fn a_table_is_asked_for_a_row_that_need_not_be_there() {
    let database = Arc::new(MemoryDatabase::default());
    let probe = || row_answers(database.clone(), Table::new("users"), Key::new("userId", "health"));
    let query = Table::new("events").query("stream", "Order#health");
    let health = Health::new(environment()).required("users", probe());
    let api = json_errors(
        health
            .required("events", query_answers(database.clone(), query))
            .router(),
    );
    assert_eq!(ask(&api, "GET", "/health").await.1["status"], "healthy");
    assert_eq!(database.requests(), 2);
    let lost = DatabaseError::Transient(TransientKind::Unavailable, "secret".into());
    let forbidden = DatabaseError::Misconfigured("secret".into());
    for (error, kind) in [(lost, "unreachable"), (forbidden, "misconfigured")] {
        database.fail_next(error);
        let api = json_errors(Health::new(environment()).required("users", probe()).router());
        let (status, report) = ask(&api, "GET", "/health/ready").await;
        assert_eq!((status, &report["checks"]["users"]["error"]), (503, &json!(kind)));
    }
}
