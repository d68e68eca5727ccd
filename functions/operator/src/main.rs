//! Command line for those who run onecommit: what happened, what it made of an aggregate, audits, forgetting.

mod aggregates;
mod cli;
mod commands;
mod config;
mod confirmation;
mod process;
mod progress;
mod terminal;

use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory, Parser};
use onecommit_audit::Audit;
use onecommit_aws_dynamodb::DynamoDb;
use onecommit_commit::EventLog;
use onecommit_config::Process;
use onecommit_environment::Environment;
use onecommit_event_store::EventStore;
use onecommit_sealing::Sealer;

use crate::cli::{Cli, Command, EventsCommand, SubjectsCommand};
use crate::commands::{events, subjects};
use crate::config::{BackfillConfig, EventsConfig, SubjectsConfig};
use crate::process::Failure;
use crate::terminal::Terminal;

fn main() -> ExitCode {
    let cli = Cli::parse();
    process::start(run(cli))
}

async fn run(cli: Cli) -> Result<(), Failure> {
    let environment = Environment::system();
    let mut terminal = Terminal::of_this_process(cli.json);
    match cli.command {
        Command::Events(EventsCommand::Show(arguments)) => {
            events::show(&store(environment).await?, &arguments, &mut terminal).await
        }
        Command::Events(EventsCommand::State(arguments)) => {
            events::state(&store(environment).await?, &arguments, &mut terminal).await
        }
        Command::Events(EventsCommand::Export(arguments)) => {
            let audit = audit(environment.clone()).await?;
            events::export(&audit, &environment, &arguments, &mut terminal).await
        }
        Command::Events(EventsCommand::Verify(arguments)) => events::verify(&arguments, &mut terminal),
        Command::Events(EventsCommand::Backfill(arguments)) => {
            let BackfillConfig {
                session,
                events: table,
                publisher,
            } = BackfillConfig::read(&Process)?;
            let session = onecommit_aws_credentials::load(session).await?;
            let tables = Arc::new(DynamoDb::new(&session));
            let store = EventStore::new(tables.clone(), tables, EventLog::new(table), environment.clone());
            let publisher = publisher.publisher(&session, environment.clone());
            events::backfill(&store, &publisher, &environment, &arguments, &mut terminal).await
        }
        Command::Subjects(SubjectsCommand::Forget(arguments)) => {
            subjects::forget(&sealer(environment).await?, &arguments, &mut terminal).await
        }
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "operator", &mut terminal.output);
            Ok(())
        }
    }
}

async fn store(environment: Environment) -> Result<EventStore, Failure> {
    let EventsConfig { session, events } = EventsConfig::read(&Process)?;
    let tables = Arc::new(DynamoDb::new(&onecommit_aws_credentials::load(session).await?));
    Ok(EventStore::new(
        tables.clone(),
        tables,
        EventLog::new(events),
        environment,
    ))
}

async fn audit(environment: Environment) -> Result<Audit, Failure> {
    let EventsConfig { session, events } = EventsConfig::read(&Process)?;
    let tables = DynamoDb::new(&onecommit_aws_credentials::load(session).await?);
    Ok(Audit::new(Arc::new(tables), EventLog::new(events), environment))
}

async fn sealer(environment: Environment) -> Result<Sealer, Failure> {
    let SubjectsConfig { session, subject_keys } = SubjectsConfig::read(&Process)?;
    let tables = Arc::new(DynamoDb::new(&onecommit_aws_credentials::load(session).await?));
    Ok(Sealer::new(tables.clone(), tables, subject_keys, environment))
}
