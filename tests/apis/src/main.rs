//! Serves the APIs that have a description in OpenAPI on addresses of this machine, on tables in memory, and has
//! schemathesis send them what the descriptions allow and what they do not: no answer may be a server error, and every
//! answer has to be one that is described. `make fuzz-apis` runs it.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the command line"
)]

mod apis;
mod seed;
mod served;
mod tester;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Parser;

use crate::apis::Api;
use crate::tester::Tester;

/// Compares the APIs of the storefront with their descriptions in OpenAPI.
#[derive(Parser)]
struct Arguments {
    /// The program of schemathesis.
    #[arg(long)]
    schemathesis: PathBuf,
    /// Its settings.
    #[arg(long)]
    config: PathBuf,
    /// Only these APIs.
    #[arg(long = "api")]
    apis: Vec<String>,
    /// Further options of `schemathesis run`, for example `--seed 7 --max-examples 1000`.
    #[arg(last = true)]
    options: Vec<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let tester = Tester::new(arguments.schemathesis, arguments.config, arguments.options);
    let mut failed = Vec::new();
    for api in wanted(&arguments.apis)? {
        let router = api.router().await.with_context(|| format!("seeding {}", api.name))?;
        let served = served::on_loopback(router).await?;
        println!("== {}", api.name);
        if !tester.is_as_described(&served).await? {
            failed.push(api.name);
        }
    }
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("not as described: {}", failed.join(", "));
    Ok(ExitCode::FAILURE)
}

/// The APIs of these names, or all.
fn wanted(names: &[String]) -> anyhow::Result<Vec<Api>> {
    let all = apis::all();
    let unknown = names.iter().find(|name| !all.iter().any(|api| api.name == **name));
    if let Some(unknown) = unknown {
        let known: Vec<&str> = all.iter().map(|api| api.name).collect();
        bail!(
            "there is no API {unknown:?} with a description; there are {}",
            known.join(", ")
        );
    }
    let is_wanted = |api: &Api| names.is_empty() || names.iter().any(|name| name == api.name);
    Ok(all.into_iter().filter(is_wanted).collect())
}
