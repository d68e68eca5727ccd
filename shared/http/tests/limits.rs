//! What a caller with a rate of its own meets.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use onecommit_engine::Table;
use onecommit_environment::{Environment, SeededRandom, Timestamp};
use onecommit_http::{Caller, limited};
use onecommit_resilience::RateLimits;
use onecommit_testing::{MemoryDatabase, VirtualClock};
use tower::ServiceExt;

struct Fixture {
    tables: Arc<MemoryDatabase>,
    environment: Environment,
}

impl Fixture {
    fn new() -> Self {
        let clock = VirtualClock::showing(Timestamp::parse("2026-11-28T12:00:00Z").unwrap());
        Self {
            tables: Arc::new(MemoryDatabase::default()),
            environment: Environment::new(Arc::new(clock), Arc::new(SeededRandom::new(1))),
        }
    }

    /// The API as one process has it.
    fn process(&self) -> Router {
        let limits = RateLimits::new(
            self.tables.clone(),
            Table::new("keys"),
            "keyId",
            self.environment.clone(),
        );
        limited(Router::new().route("/", get(async || "served")), limits)
    }
}

async fn ask(api: &Router, caller: Option<Caller>) -> (u16, Option<u64>) {
    let mut request = Request::get("/").body(Body::empty()).unwrap();
    request.extensions_mut().extend(
        caller
            .map(|caller| {
                let mut extensions = axum::http::Extensions::new();
                extensions.insert(caller);
                extensions
            })
            .unwrap_or_default(),
    );
    let response = api.clone().oneshot(request).await.unwrap();
    let wait = response
        .headers()
        .get("retry-after")
        .map(|wait| wait.to_str().unwrap().parse().unwrap());
    (response.status().as_u16(), wait)
}

fn partner() -> Option<Caller> {
    Some(Caller {
        key_id: "9f3c".to_owned(),
        requests_per_minute: 60,
    })
}

#[tokio::test(start_paused = true)]
async fn a_caller_is_held_to_its_rate_over_all_processes() {
    let fixture = Fixture::new();
    let processes = [fixture.process(), fixture.process(), fixture.process()];
    let mut served = 0;
    for number in 0..300 {
        let (status, wait) = ask(&processes[number % 3], partner()).await;
        match status {
            200 => served += 1,
            status => assert!(
                status == 429 && wait.is_some_and(|wait| (1..=60).contains(&wait)),
                "{status} {wait:?}"
            ),
        }
    }
    assert!((1..=60).contains(&served), "{served} of 60");
    let other = Some(Caller {
        key_id: "other".to_owned(),
        ..partner().unwrap()
    });
    assert_eq!(ask(&processes[0], other).await.0, 200);
    fixture
        .environment
        .clock()
        .sleep(std::time::Duration::from_secs(70))
        .await;
    assert_eq!(ask(&processes[0], partner()).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn who_has_no_rate_costs_no_request() {
    let fixture = Fixture::new();
    let process = fixture.process();
    for _ in 0..100 {
        assert_eq!(ask(&process, None).await, (200, None));
    }
    assert_eq!(fixture.tables.requests(), 0);
}
