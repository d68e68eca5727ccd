//! Programs the benchmarks call: each missing one is a single clear line.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Error, Result, anyhow, bail};
use tokio::process::Command;

/// Runs a command to its end with its output in `log`; an error names the command, its purpose and the log.
pub(crate) async fn run_to_end(command: &mut Command, purpose: &str, log: &Path) -> Result<()> {
    let output = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    let status = command
        .stdin(std::process::Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .kill_on_drop(true)
        .status()
        .await
        .map_err(|error| explain_spawn_error(&error, &program_name(command), purpose))?;
    if !status.success() {
        bail!(
            "{} failed while trying to {purpose}: see {}",
            program_name(command),
            log.display()
        );
    }
    Ok(())
}

/// The first line a program prints about its version, or a dash.
pub(crate) async fn version_line(program: &str, argument: &str) -> String {
    let output = Command::new(program).arg(argument).output().await;
    let text = output
        .map(|output| [output.stdout, output.stderr].concat())
        .unwrap_or_default();
    String::from_utf8_lossy(&text)
        .lines()
        .next()
        .unwrap_or("-")
        .trim()
        .to_owned()
}

/// Why a program could not be started, in one line.
pub(crate) fn explain_spawn_error(error: &std::io::Error, program: &str, purpose: &str) -> Error {
    if error.kind() != ErrorKind::NotFound {
        return anyhow!("cannot start {program} to {purpose}: {error}");
    }
    match install_hint(program) {
        Some(hint) => anyhow!("{program} is missing, needed to {purpose}: {hint}"),
        None => anyhow!("{program} is missing, needed to {purpose}"),
    }
}

fn install_hint(program: &str) -> Option<&'static str> {
    match program {
        "java" => Some("install a Java runtime, 17 or newer"),
        "mvn" => Some("install Apache Maven"),
        "node" | "npm" => Some("install Node.js, 20 or newer, with npm"),
        "python3" => Some("install Python, 3.10 or newer, with its venv module"),
        "cargo" => Some("install Rust with rustup"),
        _ => None,
    }
}

fn program_name(command: &Command) -> String {
    let program = Path::new(command.as_std().get_program());
    program
        .file_name()
        .unwrap_or(program.as_os_str())
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named_with_its_purpose_and_what_to_install() {
        let error = std::io::Error::from(ErrorKind::NotFound);
        let text = explain_spawn_error(&error, "mvn", "fetch DynamoDB Local").to_string();
        assert_eq!(
            text,
            "mvn is missing, needed to fetch DynamoDB Local: install Apache Maven"
        );
    }
}
