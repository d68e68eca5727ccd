use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::HeaderMap;
use onecommit_client::{Address, Client, ClientSettings, RetryPolicy};
use onecommit_environment::{Environment, SeededRandom, Timestamp};
use onecommit_testing::VirtualClock;

/// Time that jumps ahead whenever everything waits, and the same numbers on every run.
pub(crate) fn environment() -> Environment {
    let clock = VirtualClock::showing(Timestamp::parse("2026-11-22T07:00:00Z").unwrap());
    Environment::new(Arc::new(clock), Arc::new(SeededRandom::new(7)))
}

type Answer = Arc<dyn Fn() -> Response + Send + Sync>;

/// A service that answers in the order of a list, the last answer again and again, and notes what it was asked.
#[derive(Clone, Default)]
pub(crate) struct Service {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
    takes: Arc<Mutex<Duration>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) uri: String,
    pub(crate) headers: HeaderMap,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Service {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn answers(self, answer: impl Fn() -> Response + Send + Sync + 'static) -> Self {
        self.answers.lock().unwrap().push_back(Arc::new(answer));
        self
    }

    pub(crate) fn json(self, body: &'static str) -> Self {
        self.answers(move || json(200, &[], body))
    }

    pub(crate) fn status(self, status: u16) -> Self {
        self.answers(move || json(status, &[], r#"{"error":"trouble"}"#))
    }

    /// Each answer takes so long.
    pub(crate) fn taking(self, time: Duration) -> Self {
        *self.takes.lock().unwrap() = time;
        self
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn router(&self) -> Router {
        let service = self.clone();
        Router::new().fallback(move |request: Request| {
            let service = service.clone();
            async move { service.answer(request).await }
        })
    }

    async fn answer(&self, request: Request) -> Response {
        self.asked.lock().unwrap().push(Asked {
            uri: request.uri().to_string(),
            headers: request.headers().clone(),
        });
        let takes = *self.takes.lock().unwrap();
        tokio::time::sleep(takes).await;
        let answer = {
            let mut answers = self.answers.lock().unwrap();
            if answers.len() > 1 {
                answers.pop_front().unwrap()
            } else {
                answers[0].clone()
            }
        };
        answer()
    }
}

pub(crate) fn json(status: u16, headers: &[(&str, &str)], body: &'static str) -> Response {
    let mut response = Response::builder()
        .status(status)
        .header("content-type", "application/json");
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(Body::from(body)).unwrap()
}

pub(crate) fn address() -> Address {
    Address::fixed("prices", "http://prices.example/v1").unwrap()
}

/// A client without a cache.
pub(crate) fn uncached(service: &Service) -> Client {
    let settings = ClientSettings {
        cache: None,
        ..settings()
    };
    Client::new(service.router(), address(), settings, environment())
}

pub(crate) fn settings() -> ClientSettings {
    ClientSettings {
        retries: RetryPolicy::new(3, 100, 1_000),
        ..ClientSettings::default()
    }
}

pub(crate) fn with(service: &Service, settings: ClientSettings) -> Client {
    Client::new(service.router(), address(), settings, environment())
}
