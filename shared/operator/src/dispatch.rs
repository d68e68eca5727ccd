//! From a command to what it works on: its settings, its tables and what carries it out.

use std::sync::Arc;

use onecommit_aws::DynamoDb;
use onecommit_aws::SqsQueue;
use onecommit_aws::{DynamoDbTables, RebuildConfig, Wiring};
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
    self, Asking, CircuitsCommand, Command, EventsCommand, KeysCommand, SagasCommand, SubjectsCommand, ViewsCommand,
};
use crate::commands::sagas::{Asker, Request, Sagas};
use crate::commands::{circuits, events, keys, sagas, subjects, views};
use crate::config::{self, wired};
use crate::known::{KnownAggregates, KnownViews, ViewFactory};
use crate::process::Failure;
use crate::terminal::Terminal;

/// The index of the sagas table on `status` and `deadline`.
const SAGAS_INDEX: &str = "deadlines";

/// An export of a large table takes hours; a moment of throttling should not cost all of it.
const READS: RetryPolicy = RetryPolicy::new(10, 100, 10_000);

/// What a service has said of itself.
pub(crate) struct Known {
    pub(crate) aggregates: KnownAggregates,
    pub(crate) views: ViewFactory,
}

impl Known {
    fn views(&self, rows: &Arc<dyn TableReader>) -> KnownViews {
        KnownViews::new((self.views)(rows))
    }
}

/// Carries out a command.
pub(crate) async fn run(command: Command, known: &Known, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
    let environment = Environment::system();
    match command {
        Command::Events(command) => on_events(command, &known.aggregates, environment, terminal).await,
        Command::Subjects(SubjectsCommand::Forget(arguments)) => {
            subjects::forget(&sealer(environment).await?, &arguments, terminal).await
        }
        Command::Views(command) => on_views(command, known, environment, terminal).await,
        Command::Sagas(command) => on_sagas(command, environment, terminal).await,
        Command::Keys(command) => on_keys(command, environment, terminal).await,
        Command::Circuits(command) => on_circuits(command, environment, terminal).await,
        Command::Completions { shell } => {
            let program = terminal.program;
            clap_complete::generate(shell, &mut cli::command(program), program, &mut terminal.output);
            Ok(())
        }
    }
}

async fn on_events(
    command: EventsCommand,
    aggregates: &KnownAggregates,
    environment: Environment,
    terminal: &mut Terminal<'_>,
) -> Result<(), Failure> {
    match command {
        EventsCommand::Show(arguments) => events::show(&store(environment).await?, &arguments, terminal).await,
        EventsCommand::State(arguments) => {
            events::state(aggregates, &store(environment).await?, &arguments, terminal).await
        }
        EventsCommand::Export(arguments) => {
            let audit = audit(environment.clone()).await?;
            events::export(&audit, &environment, &arguments, terminal).await
        }
        EventsCommand::Verify(arguments) => events::verify(&arguments, terminal),
        EventsCommand::Stuck(arguments) => {
            let (wiring, log) = wired(config::events).await?;
            events::stuck(&*tables_of(&wiring), &log, &arguments, terminal).await
        }
        EventsCommand::Backfill(arguments) => backfill(&arguments, &environment, terminal).await,
        EventsCommand::Recover(arguments) => backfill(&arguments.into(), &environment, terminal).await,
    }
}

async fn backfill(
    arguments: &cli::Backfill,
    environment: &Environment,
    terminal: &mut Terminal<'_>,
) -> Result<(), Failure> {
    let (wiring, (log, publisher)) = wired(config::events_and_publisher).await?;
    let store = EventStore::new(tables_of(&wiring), log, environment.clone());
    let publisher = publisher.publisher(&wiring.session, environment.clone());
    events::backfill(&store, &publisher, environment, arguments, terminal).await
}

async fn on_views(
    command: ViewsCommand,
    known: &Known,
    environment: Environment,
    terminal: &mut Terminal<'_>,
) -> Result<(), Failure> {
    match command {
        ViewsCommand::Status => {
            let (control, views) = view_control(known, environment).await?;
            views::status(&control, &views, terminal).await
        }
        ViewsCommand::Rebuild(arguments) => {
            let pace = RebuildSettings::default().events_per_second_max(arguments.per_second);
            let rebuild = rebuild(known, &arguments.view, environment.clone()).await?.with(pace);
            views::rebuild(&rebuild, &arguments.view, &environment, terminal).await
        }
        ViewsCommand::Abandon(arguments) => {
            let rebuild = rebuild(known, &arguments.view, environment).await?;
            views::abandon(&rebuild, &arguments.view, terminal).await
        }
        ViewsCommand::Clean(arguments) => {
            let rebuild = rebuild(known, &arguments.view, environment).await?;
            views::clean(&rebuild, &arguments.view, terminal).await
        }
        ViewsCommand::Announce(arguments) => {
            let (control, views) = view_control(known, environment).await?;
            views::announce(&control, &views, &arguments.view, terminal).await
        }
    }
}

async fn on_keys(command: KeysCommand, environment: Environment, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
    let (wiring, (table, log)) = wired(config::api_keys).await?;
    let tables = tables_of(&wiring);
    let api_keys = ApiKeys::new(tables, table, log, environment.clone());
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

fn tables_of(wiring: &Wiring) -> Arc<DynamoDbTables> {
    Arc::new(DynamoDbTables::of(DynamoDb::new(&wiring.session), wiring.environment.clone()).with(READS))
}

async fn store(environment: Environment) -> Result<EventStore, Failure> {
    let (wiring, log) = wired(config::events).await?;
    let tables = tables_of(&wiring);
    Ok(EventStore::new(tables, log, environment))
}

async fn audit(environment: Environment) -> Result<Audit, Failure> {
    let (wiring, log) = wired(config::events).await?;
    Ok(Audit::new(tables_of(&wiring), log, environment))
}

async fn sealer(environment: Environment) -> Result<Sealer, Failure> {
    let (wiring, subject_keys) = wired(config::subject_keys).await?;
    let tables = tables_of(&wiring);
    Ok(Sealer::new(tables, subject_keys, environment))
}

async fn view_control(known: &Known, environment: Environment) -> Result<(ViewControl, KnownViews), Failure> {
    let (wiring, views) = wired(config::views).await?;
    let tables = tables_of(&wiring);
    let rows: Arc<dyn TableReader> = tables.clone();
    let known = known.views(&rows);
    Ok((ViewControl::new(tables, views, environment), known))
}

/// A rebuild whose engines are made as the projector's are.
async fn rebuild(known: &Known, view: &ViewName, environment: Environment) -> Result<Rebuild, Failure> {
    let (wiring, config) = wired(RebuildConfig::read).await?;
    let tables = tables_of(&wiring);
    let rows: Arc<dyn TableReader> = tables.clone();
    let definition = known.views(&rows).find(view)?;
    let engines = EngineFactory::new(tables.clone(), config.ledger, environment.clone()).with(config.settings);
    let control = ViewControl::new(tables, config.views, environment);
    Ok(Rebuild::new(definition, engines, control, config.events)?)
}

#[cfg(test)]
mod tests {
    use clap_complete::Shell;

    use super::*;
    use crate::commands::kit::Screen;

    #[tokio::test]
    async fn completions_are_for_the_program_of_that_name() {
        let known = Known {
            aggregates: KnownAggregates::default(),
            views: Box::new(|_| Vec::new()),
        };
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut screen = Screen::default();
            run(Command::Completions { shell }, &known, &mut screen.for_people())
                .await
                .unwrap();
            let script = screen.output();
            assert!(script.contains("parcels") && !script.contains("operator"), "{script}");
        }
    }
}
