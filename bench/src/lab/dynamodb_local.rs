//! DynamoDB Local, fetched once from Maven Central and run in memory for as long as the value lives.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;
use tokio::process::{Child, Command};

use crate::lab::aws_json::{AwsJson, http_client};
use crate::lab::machine::Watch;
use crate::lab::proxy::Upstream;
use crate::lab::server::free_port;
use crate::tools::{explain_spawn_error, run_to_end};
use crate::workspace::{Stamp, Workspace};

const READY_TIMEOUT: Duration = Duration::from_secs(60);
const COPY_DEPENDENCIES: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";

/// A running DynamoDB Local.
pub(crate) struct DynamoDbLocal {
    /// Past the proxy, for making and reading tables.
    pub(crate) direct: AwsJson,
    /// For proxies.
    pub(crate) upstream: Upstream,
    process: Child,
}

impl DynamoDbLocal {
    pub(crate) async fn start(workspace: &Workspace) -> Result<Self> {
        let jars = fetch(workspace).await?;
        let port = free_port()?;
        let log = workspace.log("dynamodb-local");
        let mut process = java(&jars, &workspace.root.join(LAUNCHER), port, File::create(&log)?)
            .spawn()
            .map_err(|error| explain_spawn_error(&error, "java", "run DynamoDB Local"))?;
        let authority = format!("127.0.0.1:{port}");
        let client = http_client();
        let direct = AwsJson::dynamodb(format!("http://{authority}/"), client.clone());
        if !is_ready(&direct, &mut process).await {
            bail!("DynamoDB Local did not start: see {}", log.display());
        }
        Ok(Self {
            direct,
            upstream: Upstream::new(authority, client),
            process,
        })
    }

    /// Watches the machine until the result is looked at.
    pub(crate) fn watch_machine(&self) -> Result<Watch> {
        Watch::start(self.process.id())
    }
}

/// Starts it on the loopback address only.
const LAUNCHER: &str = "localstack/dynamodb-local/LoopbackServer.java";

/// The folder with DynamoDB Local's jars.
async fn fetch(workspace: &Workspace) -> Result<PathBuf> {
    let jars = workspace.cache.join("dynamodb-local");
    let pom = workspace.root.join("localstack/dynamodb-local/pom.xml");
    let stamp = Stamp::of(&jars.join("pom.stamp"), std::slice::from_ref(&pom))?;
    if !stamp.is_current() {
        eprintln!("fetching DynamoDB Local ...");
        fs::create_dir_all(&jars).context("cannot make the cache")?;
        let mut maven = Command::new("mvn");
        maven.args(["--quiet", "--batch-mode", "--file"]).arg(&pom);
        maven
            .arg(COPY_DEPENDENCIES)
            .arg(format!("-DoutputDirectory={}", jars.display()));
        run_to_end(&mut maven, "fetch DynamoDB Local", &workspace.log("mvn")).await?;
        stamp.renew()?;
    }
    Ok(jars)
}

/// One collector thread: on a small machine a concurrent collector competes with what is measured.
fn java(jars: &Path, launcher: &Path, port: u16, log: File) -> Command {
    let mut command = Command::new("java");
    command
        .args(["-XX:+UseSerialGC", "-Xms256m", "-Xmx1g"])
        .arg(format!("-Djava.library.path={}", jars.display()))
        .arg("-cp")
        .arg(jars.join("*"))
        .arg(launcher)
        .args(["-port", &port.to_string(), "-inMemory", "-disableTelemetry"])
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(log)
        .kill_on_drop(true);
    command
}

async fn is_ready(direct: &AwsJson, process: &mut Child) -> bool {
    let deadline = Instant::now() + READY_TIMEOUT;
    while Instant::now() < deadline && matches!(process.try_wait(), Ok(None)) {
        if direct.call("ListTables", &json!({})).await.is_ok() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    false
}
