//! Command line for those who run onecommit: what happened, what it made of an aggregate, audits, forgetting.

mod aggregates;
mod cli;
mod commands;
mod config;
mod confirmation;
mod orchestrator_queue;
mod process;
mod progress;
mod storefront;
mod terminal;

use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory, Parser};
use onecommit_aws::DynamoDb;
use onecommit_aws::SqsQueue;
use onecommit_aws::{RebuildConfig, Tables, Wiring};
use onecommit_engine::{RetryPolicy, TableReader};
use onecommit_environment::Environment;
use onecommit_event_store::EventStore;
use onecommit_event_store::audit::Audit;
use onecommit_resilience::fleet::TableCircuits;
use onecommit_saga::Sweeper;
use onecommit_sealing::Sealer;
use onecommit_tokens::ApiKeys;
use onecommit_views::{EngineFactory, Rebuild, RebuildSettings, ViewControl, ViewName};

use crate::cli::{
    Asking, CircuitsCommand, Cli, Command, EventsCommand, KeysCommand, SagasCommand, SubjectsCommand, ViewsCommand,
};
use crate::commands::sagas::{Asker, Request, Sagas};
use crate::commands::{circuits, events, keys, sagas, subjects, views};
use crate::config::wired;
use crate::process::Failure;
use crate::storefront::Storefront;
use crate::terminal::Terminal;

/// The index of the sagas table on `status` and `deadline`.
const SAGAS_INDEX: &str = "deadlines";

/// An export of a large table takes hours; a moment of throttling should not cost all of it.
const READS: RetryPolicy = RetryPolicy::new(10, 100, 10_000);

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
        Command::Events(EventsCommand::Stuck(arguments)) => {
            let (wiring, log) = wired(config::events).await?;
            events::stuck(&*tables_of(&wiring), &log, &arguments, &mut terminal).await
        }
        Command::Events(EventsCommand::Backfill(arguments)) => {
            let (wiring, (log, publisher)) = wired(config::events_and_publisher).await?;
            let tables = tables_of(&wiring);
            let store = EventStore::new(tables.clone(), tables, log, environment.clone());
            let publisher = publisher.publisher(&wiring.session, environment.clone());
            events::backfill(&store, &publisher, &environment, &arguments, &mut terminal).await
        }
        Command::Subjects(SubjectsCommand::Forget(arguments)) => {
            subjects::forget(&sealer(environment).await?, &arguments, &mut terminal).await
        }
        Command::Views(ViewsCommand::Status) => {
            let (control, storefront) = view_control(environment).await?;
            views::status(&control, &storefront, &mut terminal).await
        }
        Command::Views(ViewsCommand::Rebuild(arguments)) => {
            let pace = RebuildSettings::default().events_per_second_max(arguments.per_second);
            let rebuild = rebuild(&arguments.view, environment.clone()).await?.with(pace);
            views::rebuild(&rebuild, &arguments.view, &environment, &mut terminal).await
        }
        Command::Views(ViewsCommand::Abandon(arguments)) => {
            let rebuild = rebuild(&arguments.view, environment).await?;
            views::abandon(&rebuild, &arguments.view, &mut terminal).await
        }
        Command::Views(ViewsCommand::Clean(arguments)) => {
            let rebuild = rebuild(&arguments.view, environment).await?;
            views::clean(&rebuild, &arguments.view, &mut terminal).await
        }
        Command::Views(ViewsCommand::Announce(arguments)) => {
            let (control, storefront) = view_control(environment).await?;
            views::announce(&control, &storefront, &arguments.view, &mut terminal).await
        }
        Command::Sagas(command) => on_sagas(command, environment, &mut terminal).await,
        Command::Keys(command) => on_keys(command, environment, &mut terminal).await,
        Command::Circuits(command) => on_circuits(command, environment, &mut terminal).await,
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "operator", &mut terminal.output);
            Ok(())
        }
    }
}

async fn on_keys(command: KeysCommand, environment: Environment, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
    let (wiring, (table, log)) = wired(config::api_keys).await?;
    let tables = tables_of(&wiring);
    let api_keys = ApiKeys::new(tables.clone(), tables, table, log, environment.clone());
    if let KeysCommand::List = command {
        return keys::list(&api_keys, &environment, terminal).await;
    }
    let me = onecommit_aws::credentials::identity(&wiring.session).await?;
    match command {
        KeysCommand::Create(arguments) => keys::create(&api_keys, &arguments, me, terminal).await,
        KeysCommand::List => Ok(()),
        KeysCommand::Revoke(arguments) => keys::revoke(&api_keys, &arguments, &me, &environment, terminal).await,
        KeysCommand::Rotate(arguments) => keys::rotate(&api_keys, &arguments, &me, terminal).await,
    }
}

async fn on_circuits(
    command: CircuitsCommand,
    environment: Environment,
    terminal: &mut Terminal<'_>,
) -> Result<(), Failure> {
    let (wiring, (table, log)) = wired(config::circuits).await?;
    let circuits = TableCircuits::new(tables_of(&wiring), table, log, environment.clone());
    match command {
        CircuitsCommand::List => circuits::list(&circuits, &environment, terminal).await,
        CircuitsCommand::Show(arguments) => circuits::show(&circuits, &arguments.circuit, &environment, terminal).await,
        CircuitsCommand::Force(arguments) => {
            let by = onecommit_aws::credentials::identity(&wiring.session).await?;
            circuits::force(&circuits, &arguments, &by, &environment, terminal).await
        }
    }
}

async fn on_sagas(command: SagasCommand, environment: Environment, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
    match command {
        SagasCommand::List(arguments) => {
            let (wiring, table) = wired(config::sagas).await?;
            let sweeper = Sweeper::new(table, SAGAS_INDEX, tables_of(&wiring), environment);
            sagas::list(&sweeper, &arguments, terminal).await
        }
        SagasCommand::Index => {
            let (wiring, table) = wired(config::sagas).await?;
            sagas::index(&DynamoDb::new(&wiring.session), &table, &environment, terminal).await
        }
        SagasCommand::Show(arguments) => {
            let (wiring, table) = wired(config::sagas).await?;
            sagas::show(&Sagas::new(table, tables_of(&wiring)), &arguments.saga, terminal).await
        }
        SagasCommand::Retry(asked) => {
            let (step, reason) = (asked.step, asked.reason);
            ask(asked.asking, Request::Retry { step, reason }, environment, terminal).await
        }
        SagasCommand::Skip(asked) => {
            let (step, reason) = (asked.step, asked.reason);
            ask(asked.asking, Request::Skip { step, reason }, environment, terminal).await
        }
        SagasCommand::Resolve(asked) => {
            let reason = asked.reason;
            ask(asked.asking, Request::Resolve { reason }, environment, terminal).await
        }
        SagasCommand::Cancel(asked) => {
            let reason = asked.reason;
            ask(asked.asking, Request::Cancel { reason }, environment, terminal).await
        }
    }
}

async fn ask(
    asking: Asking,
    request: Request,
    environment: Environment,
    terminal: &mut Terminal<'_>,
) -> Result<(), Failure> {
    let (wiring, (table, queue_url)) = wired(config::sagas_and_queue).await?;
    let asker = Asker {
        user: onecommit_aws::credentials::identity(&wiring.session).await?,
        is_sure: asking.yes,
    };
    let sagas = Sagas::new(table, tables_of(&wiring));
    let queue = SqsQueue::new(wiring.session, queue_url, String::new());
    sagas::ask(&sagas, &queue, &asking.saga, request, &asker, &environment, terminal).await
}

fn tables_of(wiring: &Wiring) -> Arc<Tables> {
    Arc::new(Tables::of(DynamoDb::new(&wiring.session), wiring.environment.clone()).with(READS))
}

async fn store(environment: Environment) -> Result<EventStore, Failure> {
    let (wiring, log) = wired(config::events).await?;
    let tables = tables_of(&wiring);
    Ok(EventStore::new(tables.clone(), tables, log, environment))
}

async fn audit(environment: Environment) -> Result<Audit, Failure> {
    let (wiring, log) = wired(config::events).await?;
    Ok(Audit::new(tables_of(&wiring), log, environment))
}

async fn sealer(environment: Environment) -> Result<Sealer, Failure> {
    let (wiring, subject_keys) = wired(config::subject_keys).await?;
    let tables = tables_of(&wiring);
    Ok(Sealer::new(tables.clone(), tables, subject_keys, environment))
}

async fn view_control(environment: Environment) -> Result<(ViewControl, Storefront), Failure> {
    let (wiring, views) = wired(config::views).await?;
    let tables = tables_of(&wiring);
    let rows: Arc<dyn TableReader> = tables.clone();
    let storefront = Storefront::new(&rows);
    Ok((ViewControl::new(tables, rows, views, environment), storefront))
}

/// A rebuild whose engines are made as the projector's are.
async fn rebuild(view: &ViewName, environment: Environment) -> Result<Rebuild, Failure> {
    let (wiring, config) = wired(RebuildConfig::read).await?;
    let tables = tables_of(&wiring);
    let rows: Arc<dyn TableReader> = tables.clone();
    let definition = Storefront::new(&rows).find(view)?;
    let engines = EngineFactory::new(tables.clone(), config.ledger, environment.clone()).with(config.settings);
    let control = ViewControl::new(tables, rows, config.views, environment);
    Ok(Rebuild::new(definition, engines, control, config.events)?)
}
