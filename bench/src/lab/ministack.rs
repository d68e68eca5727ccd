//! MiniStack, the local AWS that the worker's queue is on, for as long as the value lives.

use std::env;
use std::fs::{self, File};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use tokio::process::{Child, Command};

use crate::lab::aws_json::{AwsJson, http_client};
use crate::lab::machine::Watch;
use crate::lab::proxy::Upstream;
use crate::lab::server::free_port;
use crate::tools::explain_spawn_error;
use crate::workspace::Workspace;

const READY_TIMEOUT: Duration = Duration::from_secs(60);
const PYTHON_VARIABLE: &str = "ONECOMMIT_PYTHON";

/// A running MiniStack.
pub(crate) struct MiniStack {
    /// Past the proxy, for tables.
    pub(crate) dynamodb: AwsJson,
    /// Past the proxy, for queues.
    pub(crate) sqs: AwsJson,
    /// For proxies.
    pub(crate) upstream: Upstream,
    process: Child,
}

impl MiniStack {
    pub(crate) async fn start(workspace: &Workspace) -> Result<Self> {
        let python = python(workspace)?;
        let port = free_port()?;
        let log = workspace.log("ministack");
        let state = workspace.cache.join("ministack");
        fs::create_dir_all(&state).context("cannot make MiniStack's folder")?;
        let process = command(&python, port, &state, File::create(&log)?)
            .spawn()
            .map_err(|error| explain_spawn_error(&error, &python.to_string_lossy(), "run MiniStack"))?;
        let authority = format!("127.0.0.1:{port}");
        let (endpoint, client) = (format!("http://{authority}/"), http_client());
        let mut ministack = Self {
            dynamodb: AwsJson::dynamodb(endpoint.clone(), client.clone()),
            sqs: AwsJson::sqs(endpoint, client.clone()),
            upstream: Upstream::of_any_service(authority, client),
            process,
        };
        ensure!(
            ministack.is_ready().await,
            "MiniStack did not start: see {}",
            log.display()
        );
        Ok(ministack)
    }

    /// Makes a queue; the path of its URL.
    pub(crate) async fn create_queue(&self, name: &str) -> Result<String> {
        let answer = self.sqs.call("CreateQueue", &json!({ "QueueName": name })).await?;
        let url: axum::http::Uri = answer["QueueUrl"].as_str().context("a queue without a URL")?.parse()?;
        Ok(url.path().to_owned())
    }

    /// Watches the machine until the result is looked at.
    pub(crate) fn watch_machine(&self) -> Result<Watch> {
        Watch::start(self.process.id())
    }

    async fn is_ready(&mut self) -> bool {
        let deadline = Instant::now() + READY_TIMEOUT;
        while Instant::now() < deadline && matches!(self.process.try_wait(), Ok(None)) {
            if self.sqs.call("ListQueues", &json!({})).await.is_ok() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        false
    }
}

/// The Python that has MiniStack: the one named by the environment, or the one the Makefile made.
pub(crate) fn python(workspace: &Workspace) -> Result<PathBuf> {
    let made_by_make = workspace.root.join(".venv/bin/python");
    match env::var_os(PYTHON_VARIABLE) {
        Some(python) => Ok(workspace.root.join(python)),
        None if made_by_make.is_file() => Ok(made_by_make),
        None => bail!("no Python with MiniStack: name one in {PYTHON_VARIABLE}, or run `make up` once, which makes it"),
    }
}

fn command(python: &PathBuf, port: u16, state: &std::path::Path, log: File) -> Command {
    let mut command = Command::new(python);
    command
        .args(["-m", "ministack"])
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap_or_default())
        .env("HOME", state)
        .env("S3_DATA_DIR", state.join("s3"))
        .env("STATE_DIR", state.join("state"))
        .env("GATEWAY_PORT", port.to_string())
        .env("BIND_HOST", "127.0.0.1")
        .env("MINISTACK_HOST", "127.0.0.1")
        .env("AWS_REGION", "us-east-1")
        .env("SFTP_ENABLED", "0")
        .env("IOT_MTLS_ENABLED", "0")
        .env("LOG_LEVEL", "ERROR")
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(log)
        .kill_on_drop(true);
    command
}
