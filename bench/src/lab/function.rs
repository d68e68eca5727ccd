//! A function process under the driver's runtime API.

use std::fs::File;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;
use tokio::process::{Child, Command};

use crate::lab::process::Usage;
use crate::lab::runtime_api::{Finished, RuntimeApi};
use crate::tools::explain_spawn_error;
use crate::workload::{Batch, Delivery};

const START_TIMEOUT: Duration = Duration::from_secs(60);

/// How to start a function: the same each time but for the environment.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    pub(crate) name: String,
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) folder: PathBuf,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) log: PathBuf,
}

impl Launch {
    pub(crate) fn with_environment(&self, more: &[(String, String)]) -> Self {
        let environment = [self.environment.as_slice(), more].concat();
        Self {
            environment,
            ..self.clone()
        }
    }

    /// A command that inherits nothing but what finds programs.
    pub(crate) fn command(&self) -> Result<Command> {
        let log = File::options().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .current_dir(&self.folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(self.environment.iter().cloned())
            .stdin(std::process::Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true);
        Ok(command)
    }
}

/// What became of a batch.
#[derive(Debug)]
pub(crate) struct Handled {
    pub(crate) elapsed: Duration,
    /// The messages that SQS would deliver again.
    pub(crate) failed: Vec<Delivery>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchResponse {
    #[serde(default)]
    batch_item_failures: Vec<BatchItemFailure>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchItemFailure {
    item_identifier: String,
}

/// A running function; dropped, it is killed.
pub(crate) struct Function {
    name: String,
    log: PathBuf,
    api: RuntimeApi,
    child: Child,
    pid: u32,
    /// Process start to the first `next`.
    pub(crate) cold_start: Duration,
}

impl Function {
    /// Starts the process and waits until it asks for work.
    pub(crate) async fn start(launch: &Launch) -> Result<Self> {
        let api = RuntimeApi::start().await?;
        let mut command = launch.command()?;
        command.env("AWS_LAMBDA_RUNTIME_API", api.address());
        let started = Instant::now();
        let child = command
            .spawn()
            .map_err(|error| explain_spawn_error(&error, &launch.program.to_string_lossy(), "run a function"))?;
        let pid = child.id().context("the function ended at once")?;
        let mut function = Self {
            name: launch.name.clone(),
            log: launch.log.clone(),
            api,
            child,
            pid,
            cold_start: Duration::ZERO,
        };
        function.cold_start = function.first_next().await?.duration_since(started);
        Ok(function)
    }

    /// Hands over a batch and tells which messages came back as failed; an error of the whole function is an error here.
    pub(crate) async fn handle(&mut self, batch: &Batch) -> Result<Handled> {
        let finished = self.invoke(batch.payload.clone()).await?;
        let answer = finished
            .answer
            .map_err(|error| anyhow!("{}: {error}", self.complaint("answered with an error")))?;
        let answer: BatchResponse =
            serde_json::from_slice(&answer).with_context(|| self.complaint("answered something else"))?;
        let is_failed = |delivery: &&Delivery| {
            answer
                .batch_item_failures
                .iter()
                .any(|item| item.item_identifier == delivery.message_id)
        };
        let failed = batch.deliveries.iter().filter(is_failed).cloned().collect();
        Ok(Handled {
            elapsed: finished.elapsed,
            failed,
        })
    }

    async fn invoke(&mut self, payload: String) -> Result<Finished> {
        tokio::select! {
            finished = self.api.invoke(payload) => finished.with_context(|| self.complaint("failed")),
            _ = self.child.wait() => bail!(self.complaint("ended in the middle of an invocation")),
        }
    }

    pub(crate) fn usage(&self) -> Result<Usage> {
        Usage::of(self.pid)
    }

    /// Connections it opened to the runtime API.
    pub(crate) fn api_connections(&self) -> usize {
        self.api.connections()
    }

    /// Kills the process and waits until it is gone.
    pub(crate) async fn stop(mut self) -> Result<()> {
        self.child
            .kill()
            .await
            .with_context(|| self.complaint("could not be stopped"))
    }

    async fn first_next(&mut self) -> Result<Instant> {
        tokio::select! {
            at = tokio::time::timeout(START_TIMEOUT, self.api.first_next()) => {
                at.with_context(|| self.complaint("did not ask for work"))?.with_context(|| self.complaint("did not start"))
            }
            _ = self.child.wait() => bail!(self.complaint("ended before it asked for work")),
        }
    }

    fn complaint(&self, what: &str) -> String {
        format!("{} {what}: see {}", self.name, self.log.display())
    }
}
