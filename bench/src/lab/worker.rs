//! A worker process that polls a queue until it is told to stop.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::Child;

use crate::lab::function::Launch;
use crate::lab::process::Usage;
use crate::tools::explain_spawn_error;

const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);

/// A running worker; dropped, it is killed.
pub(crate) struct Worker {
    name: String,
    log: PathBuf,
    child: Child,
    pid: u32,
}

impl Worker {
    pub(crate) fn start(launch: &Launch) -> Result<Self> {
        let program = launch.program.to_string_lossy();
        let child = launch
            .command()?
            .spawn()
            .map_err(|error| explain_spawn_error(&error, &program, "run a worker"))?;
        let pid = child.id().context("the worker ended at once")?;
        Ok(Self {
            name: launch.name.clone(),
            log: launch.log.clone(),
            child,
            pid,
        })
    }

    /// What it has used; an error if it has ended.
    pub(crate) fn usage(&mut self) -> Result<Usage> {
        ensure!(
            self.child.try_wait()?.is_none(),
            "{} ended by itself: see {}",
            self.name,
            self.log.display()
        );
        Usage::of(self.pid)
    }

    /// Asks it to stop as a container would, and waits until it has.
    pub(crate) async fn stop(mut self) -> Result<()> {
        kill(Pid::from_raw(self.pid.cast_signed()), Signal::SIGTERM)?;
        let ended = tokio::time::timeout(DRAIN_TIMEOUT, self.child.wait()).await;
        ended.with_context(|| format!("{} did not stop: see {}", self.name, self.log.display()))??;
        Ok(())
    }
}
