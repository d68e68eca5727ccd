//! The processes that functions run in, on this machine.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Ends every process of a function, as a crash does. Gives how many there were. Every local AWS tells a function its name
/// as Lambda does, in its environment.
pub(crate) fn kill_function(name: &str) -> usize {
    let name = format!("AWS_LAMBDA_FUNCTION_NAME={name}");
    let mut killed = 0;
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let pid = process.file_name().to_str().and_then(|name| name.parse::<i32>().ok());
        let environment = std::fs::read(process.path().join("environ")).unwrap_or_default();
        let is_one = environment
            .split(|byte| *byte == 0)
            .any(|variable| variable == name.as_bytes());
        if let Some(pid) = pid.filter(|_| is_one) {
            killed += usize::from(kill(Pid::from_raw(pid), Signal::SIGKILL).is_ok());
        }
    }
    killed
}
