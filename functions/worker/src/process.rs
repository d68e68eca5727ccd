//! The process around the worker: its runtime, its signals, its exit code.

use std::error::Error;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

/// Runs `main` on one thread and reports the error it ends with as one line.
///
/// The work is waiting for AWS; a second thread would only hand it to and fro. For more cores, run more processes.
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

/// Returns at once; what it returns is done when somebody sends SIGTERM, as container platforms do, or SIGINT, as Ctrl-C
/// does.
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
