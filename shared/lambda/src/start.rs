use std::error::Error;
use std::future::Future;
use std::process::ExitCode;

/// Runs a function's `main` on one thread and reports the error it ends with as one line.
///
/// One invocation runs at a time, so more threads would only hand work to each other: about twelve times as many
/// context switches per message on one vCPU.
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
fn fail(error: &dyn Error) -> ExitCode {
    eprintln!(
        "{}",
        serde_json::json!({"level": "ERROR", "message": "cannot start", "error": error.to_string()})
    );
    ExitCode::FAILURE
}
