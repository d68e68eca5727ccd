//! The processes that functions run in, on this machine.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Ends every process of a function, as a crash does. Gives how many there were. Every local AWS tells a function its name
/// as Lambda does, in its environment.
pub(crate) fn kill_function(name: &str) -> usize {
    kill_with(&[format!("AWS_LAMBDA_FUNCTION_NAME={name}")])
}

/// Ends every process of a function that speaks to the AWS at this address.
pub(crate) fn kill_function_at(endpoint: &str, name: &str) -> usize {
    kill_with(&[
        format!("AWS_LAMBDA_FUNCTION_NAME={name}"),
        format!("AWS_ENDPOINT_URL={endpoint}"),
    ])
}

/// Ends every process with all of these in its environment.
fn kill_with(variables: &[String]) -> usize {
    let mut killed = 0;
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let pid = process.file_name().to_str().and_then(|name| name.parse::<i32>().ok());
        let environment = std::fs::read(process.path().join("environ")).unwrap_or_default();
        let has = |wanted: &String| {
            environment
                .split(|byte| *byte == 0)
                .any(|found| found == wanted.as_bytes())
        };
        let is_one = variables.iter().all(has);
        if let Some(pid) = pid.filter(|_| is_one) {
            killed += usize::from(kill(Pid::from_raw(pid), Signal::SIGKILL).is_ok());
        }
    }
    killed
}
