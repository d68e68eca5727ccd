//! The process around the server: its runtime, its address, its signals, its exit code.

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;

/// The address is taken, or it is not this machine's.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}; set GRPC_LISTEN to a free address of this machine")]
pub(crate) struct CannotListen {
    address: SocketAddr,
    source: std::io::Error,
}

/// Runs `main` on one thread and reports the error it ends with as one line.
///
/// The work is waiting for the table; for more cores, run more processes.
pub(crate) fn start(main: impl Future<Output = Result<(), Box<dyn Error + Send + Sync>>>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    match runtime.block_on(main) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&*error),
    }
}

/// Listens, and says where: a port of 0 is one that the operating system chooses.
///
/// # Errors
/// When the address is taken, or is not this machine's.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, CannotListen> {
    let cannot_listen = |source| CannotListen { address, source };
    let listener = TcpListener::bind(address).await.map_err(cannot_listen)?;
    let address = listener.local_addr().map_err(cannot_listen)?;
    info!(address = %address, "gRPC is served");
    Ok(listener)
}

/// Returns at once; what it returns is done when somebody sends SIGTERM, as container platforms do, or SIGINT, as Ctrl-C does.
///
/// # Errors
/// When the operating system does not let this process hear of signals.
pub(crate) fn asked_to_end() -> Result<impl Future<Output = ()> + Send, std::io::Error> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
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
    let error = error.to_string();
    let line = serde_json::json!({"level": "ERROR", "message": "cannot start", "error": error, "causes": causes});
    eprintln!("{line}");
    ExitCode::FAILURE
}
