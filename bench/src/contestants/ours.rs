//! onecommit's own functions, as their release binaries.

use std::path::PathBuf;

use anyhow::{Result, bail};
use tokio::process::Command;

use crate::cli::Common;
use crate::contestants::{Contestant, launch};
use crate::lab::zipped;
use crate::tools::run_to_end;
use crate::workspace::Workspace;

/// What any function of ours may ask for; the tables and the endpoint come with each run.
const ENVIRONMENT: &[(&str, &str)] = &[
    ("CONSUMER_NAME", "orders-view"),
    ("CONSUMER_QUEUE_URL", "http://127.0.0.1:9/000000000000/orders"),
    ("CONSUMER_DLQ_URL", "http://127.0.0.1:9/000000000000/orders-dlq"),
    ("LEDGER_RETENTION_DAYS", "30"),
    ("UNKNOWN_EVENT_TYPES", "park"),
    ("EVENTS_TOPIC_ARN", "arn:aws:sns:us-east-1:000000000000:events"),
    ("EVENT_BUS_NAME", "events"),
    ("EVENT_SOURCE", "onecommit.bench"),
    ("LOG_LEVEL", "warn"),
    ("STAGE", "local"),
];

/// A function of ours, by the name of its package.
#[derive(Debug, Clone)]
pub(crate) struct Ours {
    pub(crate) name: String,
    pub(crate) binary: PathBuf,
}

/// The binaries of these functions: those given on the command line, the others built by cargo.
pub(crate) async fn build_functions(workspace: &Workspace, common: &Common, names: &[&str]) -> Result<Vec<Ours>> {
    let given = |name: &str| {
        common
            .functions
            .iter()
            .find(|(given, _)| given == name)
            .map(|(_, path)| path.clone())
    };
    let to_build: Vec<_> = names.iter().filter(|name| given(name).is_none()).copied().collect();
    if !to_build.is_empty() && !common.no_build {
        build(workspace, &to_build).await?;
    }
    let mut functions = Vec::new();
    for &name in names {
        let binary = given(name).unwrap_or_else(|| workspace.release_binary(name));
        if !binary.is_file() {
            bail!("there is no function binary {}", binary.display());
        }
        functions.push(Ours {
            name: name.to_owned(),
            binary: binary.canonicalize()?,
        });
    }
    Ok(functions)
}

impl Ours {
    /// This function under another name, with more in its environment.
    pub(crate) fn contestant(&self, workspace: &Workspace, name: &str, more: &[(&str, &str)]) -> Result<Contestant> {
        let folder = workspace.cache.clone();
        let launch = launch(workspace, name, self.binary.clone(), Vec::new(), folder);
        let environment: Vec<_> = ENVIRONMENT
            .iter()
            .chain(more)
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect();
        Ok(Contestant {
            name: name.to_owned(),
            ledger_key: "pk",
            zip_bytes: zipped::size_of_file(&self.binary, "bootstrap")?,
            launch: launch.with_environment(&environment),
        })
    }
}

/// The consumer with group commit `on` or `off`.
pub(crate) async fn prepare_consumer(
    workspace: &Workspace,
    common: &Common,
    name: &str,
    group_commit: &str,
) -> Result<Contestant> {
    let consumer = build_functions(workspace, common, &["consumer"]).await?.remove(0);
    consumer.contestant(workspace, name, &[("GROUP_COMMIT", group_commit)])
}

async fn build(workspace: &Workspace, names: &[&str]) -> Result<()> {
    eprintln!("building {} ...", names.join(", "));
    let mut cargo = Command::new("cargo");
    cargo
        .args(["build", "--release", "--locked"])
        .current_dir(&workspace.root);
    for name in names {
        cargo.args(["-p", name]);
    }
    run_to_end(&mut cargo, "build the functions", &workspace.log("cargo-functions")).await
}
