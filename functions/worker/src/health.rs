//! What a container platform asks: `/health` and its parts, as functions answer them, and `/live`, `/ready`, `/metrics`.

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use onecommit_environment::Environment;
use onecommit_http::health::{Health, ProbeFailure, ProbeResult};
use onecommit_worker::Monitor;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tracing::{error, info};

/// The version of the format is part of its type.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Serves until what it returns is dropped. Without an address nothing is served.
pub(crate) async fn serve(
    address: Option<SocketAddr>,
    monitor: Monitor,
    environment: Environment,
) -> Result<JoinSet<()>, CannotListen> {
    let mut server = JoinSet::new();
    if let Some(address) = address {
        let cannot_listen = |source| CannotListen { address, source };
        let listener = TcpListener::bind(address).await.map_err(cannot_listen)?;
        let address = listener.local_addr().map_err(cannot_listen)?;
        info!(address = %address, "health endpoint serves /health, /live, /ready and /metrics");
        server.spawn(async move {
            if let Err(problem) = axum::serve(listener, app(monitor, environment)).await {
                error!(problem = %problem, "the health endpoint stopped");
            }
        });
    }
    Ok(server)
}

fn app(monitor: Monitor, environment: Environment) -> Router {
    let known = monitor.clone();
    let health = Health::new(environment).known("queue", move || queue(&known));
    Router::new()
        .route("/live", get(live))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .with_state(monitor)
        .merge(health.router())
}

/// What the worker knows of its queue from its own requests for messages; nothing is sent to find out.
fn queue(monitor: &Monitor) -> ProbeResult {
    match (monitor.is_ready(), monitor.is_draining()) {
        (true, _) => Ok(()),
        (false, true) => Err(ProbeFailure::Draining),
        (false, false) => Err(ProbeFailure::Unreachable),
    }
}

/// Whoever can answer lives: everything here runs on one thread, and a part of the worker that dies ends the process.
async fn live() -> &'static str {
    "live\n"
}

async fn ready(State(monitor): State<Monitor>) -> impl IntoResponse {
    match (monitor.is_ready(), monitor.is_draining()) {
        (true, _) => (StatusCode::OK, "ready\n"),
        (false, true) => (StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
        (false, false) => (StatusCode::SERVICE_UNAVAILABLE, "the queue does not answer\n"),
    }
}

async fn metrics(State(monitor): State<Monitor>) -> impl IntoResponse {
    ([(CONTENT_TYPE, PROMETHEUS)], monitor.to_prometheus())
}

/// The address is taken, or it is not this machine's.
#[derive(Debug)]
pub(crate) struct CannotListen {
    address: SocketAddr,
    source: std::io::Error,
}

impl fmt::Display for CannotListen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "cannot listen on {}; set HEALTH_ADDRESS to a free address, or to `off`",
            self.address
        )
    }
}

impl Error for CannotListen {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}
