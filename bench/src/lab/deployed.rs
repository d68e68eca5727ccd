//! The whole stack on a local AWS, as `make deploy` puts it there, for as long as the value lives.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::lab::aws_json::{AwsJson, http_client};
use crate::lab::ministack::python;
use crate::workspace::Workspace;

const STACK: &str = "onecommit-bench";

/// A stack with its outputs.
pub(crate) struct Deployed {
    /// Where the local AWS is, without a slash at the end.
    pub(crate) endpoint: String,
    pub(crate) dynamodb: AwsJson,
    logs: AwsJson,
    outputs: HashMap<String, String>,
    script: Script,
}

struct Script {
    python: PathBuf,
    file: PathBuf,
    state: PathBuf,
}

impl Deployed {
    /// Deploys what is in build/lambda, with `function` built for release in its place there.
    pub(crate) async fn start(workspace: &Workspace, function: &str, binary: &PathBuf) -> Result<Self> {
        Self::start_at(workspace, function, binary, 0).await
    }

    /// The same with the local AWS at this port, for those who have to know it before; 0 is any free one.
    pub(crate) async fn start_at(workspace: &Workspace, function: &str, binary: &PathBuf, port: u16) -> Result<Self> {
        let bootstrap = workspace.root.join("build/lambda").join(function).join("bootstrap");
        fs::copy(binary, &bootstrap)
            .with_context(|| format!("cannot write {}; run `make build` once", bootstrap.display()))?;
        let script = Script {
            python: python(workspace)?,
            file: workspace.root.join("localstack/local_aws.py"),
            state: workspace.cache.join("local-aws"),
        };
        let instance = script
            .ask(&["up", "--local-aws", "ministack", "--port", &port.to_string(), "--json"])
            .await?;
        let endpoint = instance["endpoint"]
            .as_str()
            .context("a local AWS without an endpoint")?
            .trim_end_matches('/')
            .to_owned();
        let arguments = ["deploy", "--stage", "local", "--stack-name", STACK, "--json"];
        let outputs = serde_json::from_value(script.ask(&arguments).await?)?;
        let client = http_client();
        Ok(Self {
            endpoint: endpoint.clone(),
            dynamodb: AwsJson::dynamodb(format!("{endpoint}/"), client.clone()),
            logs: AwsJson::logs(format!("{endpoint}/"), client),
            outputs,
            script,
        })
    }

    /// An output of the stack.
    pub(crate) fn output(&self, name: &str) -> Result<&str> {
        let found = self.outputs.get(name).map(String::as_str);
        found.with_context(|| format!("the stack has no output {name}"))
    }

    /// The metric lines that functions have logged to groups whose name holds `part`.
    pub(crate) async fn metric_lines(&self, part: &str) -> Result<Vec<Value>> {
        let groups = self.logs.call("DescribeLogGroups", &json!({})).await?;
        let mut lines = Vec::new();
        for group in groups["logGroups"].as_array().into_iter().flatten() {
            let Some(name) = group["logGroupName"].as_str().filter(|name| name.contains(part)) else {
                continue;
            };
            let mut next: Option<String> = None;
            loop {
                let mut input = json!({ "logGroupName": name });
                if let Some(token) = &next {
                    input["nextToken"] = json!(token);
                }
                let page = self.logs.call("FilterLogEvents", &input).await?;
                for event in page["events"].as_array().into_iter().flatten() {
                    let message = event["message"].as_str().unwrap_or_default();
                    lines.extend(
                        serde_json::from_str(message)
                            .ok()
                            .filter(|line: &Value| line["_aws"].is_object()),
                    );
                }
                next = page["nextToken"].as_str().map(str::to_owned);
                if next.is_none() {
                    break;
                }
            }
        }
        Ok(lines)
    }

    /// Ends the local AWS.
    pub(crate) async fn end(self) -> Result<()> {
        self.script.ask(&["down"]).await.map(drop)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // Also after an interruption; asking an ended one to end does nothing.
        let mut command = std::process::Command::new(&self.python);
        let command = command.arg(&self.file).arg("down").arg("--state-dir").arg(&self.state);
        if let Err(error) = command.stdout(Stdio::null()).stderr(Stdio::null()).status() {
            eprintln!("the local AWS may still be up: {error}");
        }
    }
}

impl Script {
    async fn ask(&self, arguments: &[&str]) -> Result<Value> {
        let mut command = Command::new(&self.python);
        command
            .arg(&self.file)
            .args(arguments)
            .arg("--state-dir")
            .arg(&self.state);
        let output = command.kill_on_drop(true).output().await?;
        if !output.status.success() {
            bail!(
                "{} failed: {}",
                arguments[0],
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(serde_json::from_slice(&output.stdout).unwrap_or_default())
    }
}
