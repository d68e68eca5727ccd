//! The service that is called: it answers, or fails as often as it is told to.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use anyhow::Result;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::lab::server::Server;

/// About 1 KB of JSON.
const DESCRIPTION_LENGTH: usize = 960;

pub(crate) struct Downstream {
    server: Server,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    requests: AtomicU64,
    failing_percent: AtomicU32,
}

impl Downstream {
    pub(crate) async fn start() -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let routes = Router::new()
            .route("/product", get(answer))
            .with_state(Arc::clone(&shared));
        let server = Server::start(routes).await?;
        Ok(Self { server, shared })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/product", self.server.address)
    }

    /// From now on, this share of the requests is answered with 503.
    pub(crate) fn fail(&self, percent: u32) {
        self.shared.failing_percent.store(percent, Ordering::Relaxed);
    }

    /// Requests since the last look.
    pub(crate) fn take_requests(&self) -> u64 {
        self.shared.requests.swap(0, Ordering::Relaxed)
    }
}

async fn answer(State(shared): State<Arc<Shared>>) -> Response {
    let at = shared.requests.fetch_add(1, Ordering::Relaxed);
    let percent = u64::from(shared.failing_percent.load(Ordering::Relaxed));
    // Spread out evenly, so that every run meets the same failures.
    if at * percent % 100 < percent && percent > 0 {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let body = format!(
        r#"{{"id":"tea-pot","name":"Tea pot","description":"{}"}}"#,
        "x".repeat(DESCRIPTION_LENGTH)
    );
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}
