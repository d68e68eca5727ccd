use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use tokio::process::Command;

use crate::served::Served;

/// For one API. With the examples of the settings it takes some seconds; whoever asks for more has this long.
const LIMIT: Duration = Duration::from_secs(3600);

/// Schemathesis, as it is run for each API.
pub(crate) struct Tester {
    program: PathBuf,
    config: PathBuf,
    options: Vec<String>,
}

impl Tester {
    pub(crate) fn new(program: PathBuf, config: PathBuf, options: Vec<String>) -> Self {
        Self {
            program,
            config,
            options,
        }
    }

    /// Whether it found nothing. What it found it has written to this process's output.
    pub(crate) async fn is_as_described(&self, served: &Served) -> anyhow::Result<bool> {
        let mut command = Command::new(&self.program);
        command.arg("--config-file").arg(&self.config).arg("run");
        command
            .arg(format!("{}/openapi.json", served.url()))
            .args(&self.options);
        let running = command.kill_on_drop(true).spawn();
        let mut running = running.with_context(|| format!("starting {}", self.program.display()))?;
        let ended = tokio::time::timeout(LIMIT, running.wait()).await;
        Ok(ended.context("schemathesis did not end within an hour")??.success())
    }
}
