//! A process that is asked by lines of JSON on its standard input and answers by lines on its standard output.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};

use crate::lab::function::Launch;
use crate::lab::process::Usage;
use crate::tools::explain_spawn_error;

/// A running process; dropped, it is killed.
pub(crate) struct LineProcess {
    name: String,
    log: PathBuf,
    /// Kept to be killed with this value.
    _child: Child,
    pid: u32,
    questions: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl LineProcess {
    pub(crate) fn start(launch: &Launch) -> Result<Self> {
        let program = launch.program.to_string_lossy();
        let mut child = launch
            .command()?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| explain_spawn_error(&error, &program, "run a contestant"))?;
        let pid = child.id().context("the contestant ended at once")?;
        let questions = child.stdin.take().context("the contestant cannot be asked")?;
        let answers = child.stdout.take().context("the contestant cannot answer")?;
        Ok(Self {
            name: launch.name.clone(),
            log: launch.log.clone(),
            _child: child,
            pid,
            questions,
            answers: BufReader::new(answers).lines(),
        })
    }

    /// Asks, and waits for the answer.
    pub(crate) async fn ask<A: DeserializeOwned>(&mut self, question: &Value) -> Result<A> {
        let asked = self.questions.write_all(format!("{question}\n").as_bytes()).await;
        asked.with_context(|| self.complaint("does not listen"))?;
        match self.answers.next_line().await? {
            Some(line) => serde_json::from_str(&line).with_context(|| self.complaint("answered something else")),
            None => bail!(self.complaint("ended before it answered")),
        }
    }

    pub(crate) fn usage(&self) -> Result<Usage> {
        Usage::of(self.pid)
    }

    fn complaint(&self, what: &str) -> String {
        format!("{} {what}: see {}", self.name, self.log.display())
    }
}
