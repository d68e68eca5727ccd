//! The subcommands.

mod calls;
mod cold_start;
mod compare;
mod cost;
mod event_store;
mod relay;
mod requests;
mod sagas;
mod worker;

use anyhow::Result;

use crate::cli::{self, Cli, Command, Common};
use crate::workspace::Workspace;

pub(crate) async fn run(cli: Cli) -> Result<()> {
    let workspace = Workspace::locate()?;
    match cli.command {
        Command::ColdStart(options) => cold_start::run(&workspace, &cli.common, &options).await,
        Command::Requests(options) => requests::run(&workspace, &cli.common, &options).await,
        Command::Compare(options) => compare::run(&workspace, &cli.common, &options).await,
        Command::Worker(options) => worker::run(&workspace, &cli.common, &options).await,
        Command::EventStore(options) => event_store::run(&workspace, &cli.common, &options).await,
        Command::Relay(options) => relay::run(&workspace, &cli.common, &options).await,
        Command::Sagas(options) => sagas::run(&workspace, &cli.common, &options).await,
        Command::Calls(options) => calls::run(&workspace, &cli.common, &options).await,
        Command::Cost => cost::run(&workspace),
        Command::All => run_all(&workspace, &cli.common).await,
    }
}

async fn run_all(workspace: &Workspace, common: &Common) -> Result<()> {
    cold_start::run(workspace, common, &cli::ColdStart::default()).await?;
    requests::run(workspace, common, &cli::Requests::default()).await?;
    compare::run(workspace, common, &cli::Compare::default()).await?;
    worker::run(workspace, common, &cli::Worker::default()).await?;
    relay::run(workspace, common, &cli::Relay::default()).await?;
    sagas::run(workspace, common, &cli::Sagas::default()).await?;
    event_store::run(workspace, common, &cli::EventStore::default()).await?;
    calls::run(workspace, common, &cli::Calls::default()).await?;
    cost::run(workspace)
}
