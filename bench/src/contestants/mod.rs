//! Who is measured: ours, and what people use today. Each is prepared once and then started as a function process.

pub(crate) mod callers;
mod cargo_build;
pub(crate) mod event_stores;
mod node;
mod node_powertools;
mod node_sqs_consumer;
mod ours;
mod plain_rust;
mod python_powertools;

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::cli::Common;
use crate::lab::function::Launch;
use crate::lab::tables::Tables;
use crate::workspace::Workspace;

use cargo_build::cargo_build;
pub(crate) use node_sqs_consumer::prepare as prepare_sqs_consumer;
pub(crate) use ours::build_functions;

/// What every function finds in its environment.
const ENVIRONMENT: [(&str, &str); 9] = [
    ("AWS_REGION", "us-east-1"),
    ("AWS_DEFAULT_REGION", "us-east-1"),
    ("AWS_ACCESS_KEY_ID", "bench"),
    ("AWS_SECRET_ACCESS_KEY", "bench"),
    ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769"),
    ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/bench"),
    ("AWS_LAMBDA_LOG_STREAM_NAME", "bench"),
];

/// A function that is ready to be started.
#[derive(Debug, Clone)]
pub(crate) struct Contestant {
    pub(crate) name: String,
    /// What the key of its idempotency table is called.
    pub(crate) ledger_key: &'static str,
    pub(crate) zip_bytes: u64,
    launch: Launch,
}

impl Contestant {
    /// How to start it against these tables behind this endpoint.
    pub(crate) fn launch(&self, tables: &Tables, endpoint: &str) -> Launch {
        self.launch
            .with_environment(&table_environment(&tables.ledger, &tables.views, endpoint))
    }

    /// How to start it as a worker of this queue.
    pub(crate) fn launch_worker(&self, tables: &Tables, endpoint: &str, queue_path: &str) -> Launch {
        let queue_urls = [("CONSUMER_QUEUE_URL", ""), ("CONSUMER_DLQ_URL", "-dlq")]
            .map(|(name, suffix)| (name.to_owned(), format!("{endpoint}{queue_path}{suffix}")));
        self.launch(tables, endpoint).with_environment(&queue_urls)
    }

    /// How to start it when it will never be asked for anything.
    pub(crate) fn launch_idle(&self) -> Launch {
        self.launch.with_environment(&table_environment(
            "unused-ledger",
            "unused-views",
            "http://127.0.0.1:9",
        ))
    }
}

/// The contestants of the comparison, in the order of the table.
pub(crate) const COMPARED: [&str; 5] = [
    "ours",
    "ours+group",
    "plain-rust",
    "node-powertools",
    "python-powertools",
];

/// Prepares the named contestants, or all of the comparison.
pub(crate) async fn prepare(workspace: &Workspace, common: &Common, names: &[String]) -> Result<Vec<Contestant>> {
    let names: Vec<&str> = if names.is_empty() {
        COMPARED.to_vec()
    } else {
        names.iter().map(String::as_str).collect()
    };
    let mut prepared = Vec::new();
    for name in names {
        prepared.push(prepare_one(workspace, common, name).await?);
    }
    Ok(prepared)
}

/// The smallest Rust function that can reach DynamoDB, which only the cold start is measured of.
pub(crate) async fn prepare_client_only(workspace: &Workspace, common: &Common) -> Result<Contestant> {
    plain_rust::prepare(workspace, common, "plain-rust-client-only").await
}

async fn prepare_one(workspace: &Workspace, common: &Common, name: &str) -> Result<Contestant> {
    match name {
        "ours" => ours::prepare_consumer(workspace, common, "ours", "off").await,
        "ours+group" => ours::prepare_consumer(workspace, common, "ours+group", "on").await,
        "plain-rust" => plain_rust::prepare(workspace, common, "plain-rust").await,
        "node-powertools" => node_powertools::prepare(workspace, common).await,
        "python-powertools" => python_powertools::prepare(workspace, common).await,
        _ => bail!("no contestant is called {name}; there are {}", COMPARED.join(", ")),
    }
}

fn launch(workspace: &Workspace, name: &str, program: PathBuf, arguments: Vec<String>, folder: PathBuf) -> Launch {
    let environment = ENVIRONMENT.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Launch {
        name: name.to_owned(),
        program,
        arguments,
        folder,
        environment: environment.into(),
        log: workspace.log(name),
    }
}

fn table_environment(ledger: &str, views: &str, endpoint: &str) -> Vec<(String, String)> {
    [
        ("LEDGER_TABLE_NAME", ledger),
        ("VIEWS_TABLE_NAME", views),
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ENDPOINT_URL_DYNAMODB", endpoint),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}
