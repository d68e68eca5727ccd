//! What a process is made of outside of Lambda: its runtime, its signals, its exit code, and an API on an address of its own
//! that SIGTERM drains.

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use futures_util::FutureExt;
use onecommit_environment::Environment;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};

use crate::incoming::{Incoming, start_of};

/// Why a process cannot serve.
#[derive(Debug)]
#[non_exhaustive]
pub enum CannotServe {
    /// The address is taken, or is not this machine's.
    Listen(SocketAddr, std::io::Error),
    /// The operating system does not tell of signals.
    Signals(std::io::Error),
    /// Connections are no longer accepted.
    Accept(std::io::Error),
}

impl fmt::Display for CannotServe {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen(address, _) => {
                write!(
                    formatter,
                    "cannot listen on {address}; choose a free address of this machine"
                )
            }
            Self::Signals(_) => formatter.write_str("the operating system does not tell of signals"),
            Self::Accept(_) => formatter.write_str("connections are no longer accepted"),
        }
    }
}

impl Error for CannotServe {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let (Self::Listen(_, error) | Self::Signals(error) | Self::Accept(error)) = self;
        Some(error)
    }
}

/// Runs `main` on one thread, and reports the error it ends with as one line of JSON.
///
/// Such work is waiting for others; a second thread would only hand it to and fro. For more cores, run more processes.
pub fn start(main: impl Future<Output = Result<(), Box<dyn Error + Send + Sync>>>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    match runtime.block_on(main) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&*error),
    }
}

#[allow(
    clippy::print_stderr,
    reason = "logging may not be set up when the configuration is wrong"
)]
fn fail(error: &(dyn Error + 'static)) -> ExitCode {
    let mut causes = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        causes.push(cause.to_string());
        source = cause.source();
    }
    let line = serde_json::json!({
        "level": "ERROR",
        "message": "cannot start",
        "error": error.to_string(),
        "causes": causes,
    });
    eprintln!("{line}");
    ExitCode::FAILURE
}

/// Returns at once; what it returns is done when somebody sends SIGTERM, as container platforms do, or SIGINT, as Ctrl-C does.
///
/// # Errors
/// When the operating system does not let this process hear of signals.
pub fn asked_to_end() -> Result<impl Future<Output = ()> + Send, std::io::Error> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Serves until the process is asked to end, by SIGTERM as container platforms do it or by SIGINT as Ctrl-C does; then calls
/// `ending`, and finishes the requests that were begun within `drain_within`. The address is in the log.
///
/// # Errors
/// See [`CannotServe`].
pub async fn serve(
    api: Router,
    address: SocketAddr,
    drain_within: Duration,
    environment: &Environment,
    ending: impl FnOnce() + Send + 'static,
) -> Result<(), CannotServe> {
    let asked_to_end = asked_to_end().map_err(CannotServe::Signals)?;
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|error| CannotServe::Listen(address, error))?;
    let address = listener.local_addr().unwrap_or(address);
    info!(address = %address, "requests are answered at this address");
    let asked_to_end = async move {
        asked_to_end.await;
        info!("asked to end; requests that were begun are finished");
        ending();
    };
    let asked_to_end = asked_to_end.boxed().shared();
    let serving = axum::serve(listener, traced(api, environment)).with_graceful_shutdown(asked_to_end.clone());
    let drained = async {
        asked_to_end.await;
        environment.clock().sleep(drain_within).await;
    };
    tokio::select! {
        served = serving => served.map_err(CannotServe::Accept),
        () = drained => {
            warn!("some requests were not finished in time");
            Ok(())
        }
    }
}

/// Each request is a span of its caller's trace, has a correlation id, and its spans are written before its answer: a process
/// that is killed after it has answered has lost none.
fn traced(api: Router, environment: &Environment) -> Router {
    api.layer(from_fn_with_state(environment.clone(), in_its_trace))
}

async fn in_its_trace(State(environment): State<Environment>, request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>();
    let route = matched.map_or_else(|| start_of(request.uri().path()), |route| route.as_str().to_owned());
    let incoming = Incoming::of(request.headers(), request.method(), &route, &environment);
    let response = incoming.serve(next.run(request)).await;
    if let Some(tracer) = environment.tracer() {
        tracer.write();
    }
    response
}
