//! The front door on an address of its own: answers are streamed, and SIGTERM drains it.

use std::net::SocketAddr;
use std::time::Duration;

use onecommit_environment::Environment;
use storefront_bff::Bff;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};

/// Why the process cannot serve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CannotServe {
    #[error("cannot listen on {0}; set BFF_LISTEN to a free address of this machine")]
    Listen(SocketAddr, #[source] std::io::Error),
    #[error("the operating system does not tell of signals")]
    Signals(#[source] std::io::Error),
    #[error("connections are no longer accepted")]
    Accept(#[source] std::io::Error),
}

/// Serves until the process is asked to end, by SIGTERM as container platforms do it or by SIGINT as Ctrl-C does; then ends
/// all streams, and finishes what was begun within `drain_within`.
///
/// # Errors
/// When the address is taken, or is not this machine's.
pub(crate) async fn serve(
    bff: &Bff,
    address: SocketAddr,
    drain_within: Duration,
    environment: &Environment,
) -> Result<(), CannotServe> {
    let mut terminate = signal(SignalKind::terminate()).map_err(CannotServe::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(CannotServe::Signals)?;
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|error| CannotServe::Listen(address, error))?;
    let address = listener.local_addr().unwrap_or(address);
    info!(address = %address, "the front door is open");
    let ending = bff.ending();
    let asked_to_end = {
        let ending = ending.clone();
        async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            info!("asked to end; streams end, and requests that were begun are finished");
            ending.cancel();
        }
    };
    let serving = axum::serve(listener, bff.router()).with_graceful_shutdown(asked_to_end);
    let drained = async {
        ending.cancelled().await;
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
