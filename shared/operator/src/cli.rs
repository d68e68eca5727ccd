//! The commands and options of the command line.

mod keys;

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use onecommit_environment::{Timestamp, TimestampError};
use onecommit_event::Aggregate;
use onecommit_event_store::audit::Hash;
use onecommit_sealing::Subject;
use onecommit_views::{InvalidViewName, ViewName};

pub(crate) use self::keys::{CreateKey, KeysCommand, RevokeKey, RotateKey};

/// Reads the tables of onecommit, and carries out what only operators decide.
///
/// Region and credentials are found as AWS tools find them; tables come from EVENTS_TABLE_NAME,
/// SUBJECT_KEYS_TABLE_NAME, VIEWS_TABLE_NAME, LEDGER_TABLE_NAME, SAGAS_TABLE_NAME, API_KEYS_TABLE_NAME and
/// CIRCUITS_TABLE_NAME. Results are written to standard output, everything else to standard error. The exit code is 0 on
/// success, 1 on failure, and 2 if the command line is wrong.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Cli {
    /// Print JSON, one value per line, for other programs.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The command line of a program of this name.
pub(crate) fn command(program: &'static str) -> clap::Command {
    Cli::command().name(program)
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Events as they are stored.
    #[command(subcommand)]
    Events(EventsCommand),
    /// People whose data is sealed in events.
    #[command(subcommand)]
    Subjects(SubjectsCommand),
    /// Views that a projector keeps.
    #[command(subcommand)]
    Views(ViewsCommand),
    /// Sagas of the orchestrator, and requests to them.
    #[command(subcommand)]
    Sagas(SagasCommand),
    /// API keys of programs outside.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Circuit breakers that processes share.
    #[command(subcommand)]
    Circuits(CircuitsCommand),
    /// Print a script that completes this command in a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum EventsCommand {
    /// Print the events of a stream, oldest first.
    Show(Show),
    /// Print the state of an aggregate, now or at an earlier time, as JSON.
    State(State),
    /// Write events to a file that shows whether it was changed.
    Export(Export),
    /// Check that an exported file was not changed.
    Verify(Verify),
    /// Print the events that can be neither published nor parked. The relay's log has the cause; it retries them every
    /// minute.
    Stuck(Stuck),
    /// Publish events once more, for a consumer that is new or lost its state. Consumers that handled an event absorb it
    /// as long as their ledger remembers, 30 days by default.
    Backfill(Backfill),
    /// Publish the events of an outage once more: those of all streams from a time on. For events that the relay could not
    /// publish before the table's stream forgot them, after 24 hours, and that carry no mark. What had left is absorbed by
    /// its consumers as a copy.
    Recover(Recover),
}

#[derive(Debug, Subcommand)]
pub(crate) enum SubjectsCommand {
    /// Delete a subject's key: all data sealed for it becomes unreadable, in every copy. This cannot be undone.
    Forget(Forget),
}

#[derive(Debug, Subcommand)]
pub(crate) enum ViewsCommand {
    /// Print the state of each view: the active generation, a rebuild and its progress.
    Status,
    /// Rebuild a view from the store, beside the active generation, and switch when it is complete. Run it again to
    /// continue after a crash or an error.
    Rebuild(RebuildView),
    /// Abandon a rebuild. The active generation stays.
    Abandon(OneView),
    /// Delete the rows of retired generations. Reads the whole views table once for each.
    Clean(OneView),
    /// Make a new view empty until it is rebuilt. Run it before the projector that keeps the view is deployed.
    Announce(OneView),
}

#[derive(Debug, Subcommand)]
pub(crate) enum SagasCommand {
    /// Print the sagas that need a person's attention.
    List(ListSagas),
    /// Print the status and the timeline of a saga.
    Show(ShowSaga),
    /// Repeat a failing step, now and with all its attempts.
    Retry(RetryStep),
    /// Continue without a failing step.
    Skip(SkipStep),
    /// End a saga that needs attention, because it was resolved by hand.
    Resolve(ResolveSaga),
    /// Turn a saga back, if its pivot has not succeeded yet.
    Cancel(CancelSaga),
    /// Add sagas of an earlier version to the index. Reads the whole sagas table once.
    Index,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CircuitsCommand {
    /// Print the circuits of which anything was ever reported.
    List,
    /// Print the state of a circuit.
    Show(OneCircuit),
    /// Force a circuit open or closed, or let it decide by itself again.
    Force(ForceCircuit),
}

#[derive(Debug, Args)]
pub(crate) struct OneCircuit {
    /// The name of the circuit, as the program that calls has it.
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub(crate) circuit: String,
}

#[derive(Debug, Args)]
pub(crate) struct ForceCircuit {
    /// The name of the circuit, as the program that calls has it.
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub(crate) circuit: String,
    /// What to force.
    pub(crate) to: Forced,
    /// Do not ask.
    #[arg(long)]
    pub(crate) yes: bool,
}

/// What a circuit is forced to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Forced {
    /// No call is made.
    Open,
    /// Calls are made, whatever becomes of them.
    Closed,
    /// The circuit decides by itself again.
    Released,
}

#[derive(Debug, Args)]
pub(crate) struct Stuck {
    /// The most events to print.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) most: u32,
}

#[derive(Debug, Args)]
pub(crate) struct ListSagas {
    /// The most sagas to print.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) most: u32,
}

#[derive(Debug, Args)]
pub(crate) struct ShowSaga {
    /// The saga, definition and id: `DeliverySaga#p-1`.
    #[arg(value_parser = saga)]
    pub(crate) saga: Aggregate,
}

#[derive(Debug, Args)]
pub(crate) struct RetryStep {
    #[command(flatten)]
    pub(crate) asking: Asking,
    /// The step, as the timeline names it: `'collect the parcel'`.
    pub(crate) step: String,
    /// Why, for the saga's timeline.
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new(), default_value = NO_REASON)]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct SkipStep {
    #[command(flatten)]
    pub(crate) asking: Asking,
    /// The step, as the timeline names it: `'collect the parcel'`.
    pub(crate) step: String,
    /// Why, for the saga's timeline.
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct ResolveSaga {
    #[command(flatten)]
    pub(crate) asking: Asking,
    /// How it was put right, for the saga's timeline.
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct CancelSaga {
    #[command(flatten)]
    pub(crate) asking: Asking,
    /// Why, for the saga's timeline.
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new(), default_value = NO_REASON)]
    pub(crate) reason: String,
}

/// What everything that is asked of a saga has in common.
#[derive(Debug, Args)]
pub(crate) struct Asking {
    /// The saga, definition and id: `DeliverySaga#p-1`.
    #[arg(value_parser = saga)]
    pub(crate) saga: Aggregate,
    /// Do not ask.
    #[arg(long)]
    pub(crate) yes: bool,
}

/// What the timeline says of somebody who gave no reason.
const NO_REASON: &str = "no reason given";

#[derive(Debug, Args)]
pub(crate) struct OneView {
    /// The view: `parcels-by-carrier`.
    #[arg(value_name = "NAME", value_parser = view)]
    pub(crate) view: ViewName,
}

#[derive(Debug, Args)]
pub(crate) struct RebuildView {
    /// The view: `parcels-by-carrier`.
    #[arg(value_name = "NAME", value_parser = view)]
    pub(crate) view: ViewName,
    /// The most events to handle in a second; as many as go when left out.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) per_second: Option<u32>,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The stream, type and id: `Parcel#p-1`.
    #[arg(value_parser = stream)]
    pub(crate) stream: Aggregate,
    /// The first version to print.
    #[arg(long, value_name = "VERSION", default_value_t = 1)]
    pub(crate) from: u64,
    /// The last version to print; the newest when left out.
    #[arg(long, value_name = "VERSION")]
    pub(crate) to: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct State {
    /// The aggregate's stream, type and id: `Parcel#p-1`.
    #[arg(value_parser = stream)]
    pub(crate) stream: Aggregate,
    /// What it was after so many events.
    #[arg(long, value_name = "VERSION", conflicts_with = "at_time")]
    pub(crate) at_version: Option<u64>,
    /// What it was at this time, by its events' own timestamps: `2026-11-22T07:00:00Z`.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) at_time: Option<Timestamp>,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The stream to export, type and id: `Parcel#p-1`.
    #[arg(value_parser = stream, required_unless_present = "from_time", conflicts_with = "from_time")]
    pub(crate) stream: Option<Aggregate>,
    /// Export all streams instead, from this time on: `2026-11-22T07:00:00Z`. Reads the whole table.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) from_time: Option<Timestamp>,
    /// Only what happened before this time; now when left out.
    #[arg(long, value_name = "TIME", value_parser = time, requires = "from_time", conflicts_with = "stream")]
    pub(crate) to_time: Option<Timestamp>,
    /// The file to write, which must not be there yet, or `-` for standard output.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The exported file, or `-` for standard input.
    pub(crate) file: PathBuf,
    /// The head that was printed when the file was exported. Without it, a file that was written anew passes.
    #[arg(long, value_name = "HASH")]
    pub(crate) head: Option<Hash>,
}

#[derive(Debug, Args)]
pub(crate) struct Backfill {
    /// Only this stream, type and id: `Parcel#p-1`. Otherwise the whole table is read.
    #[arg(long, value_parser = stream)]
    pub(crate) stream: Option<Aggregate>,
    /// Only events of this type; may be given several times.
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) event_types: Vec<String>,
    /// Only what happened from this time on: `2026-11-22T07:00:00Z`.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) from_time: Option<Timestamp>,
    /// Only what happened before this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) to_time: Option<Timestamp>,
    /// The most events to publish in a second.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) per_second: u32,
    /// Only count what would be published.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Recover {
    /// When the outage began, or a little before: `2026-11-22T07:00:00Z`. The whole table is read.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) since: Timestamp,
    /// When everything left again; now when left out.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) until: Option<Timestamp>,
    /// The most events to publish in a second.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) per_second: u32,
    /// Only count what would be published.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

impl From<Recover> for Backfill {
    fn from(recover: Recover) -> Self {
        Self {
            stream: None,
            event_types: Vec::new(),
            from_time: Some(recover.since),
            to_time: recover.until,
            per_second: recover.per_second,
            dry_run: recover.dry_run,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Forget {
    /// The subject, as it was named when its data was sealed: `Recipient#r-7`.
    #[arg(value_parser = subject)]
    pub(crate) subject: Subject,
    /// Do not ask.
    #[arg(long)]
    pub(crate) yes: bool,
}

fn stream(text: &str) -> Result<Aggregate, String> {
    let (kind, id) = text.split_once('#').ok_or("a stream is written like Parcel#p-1")?;
    Aggregate::new(kind, id).map_err(|error| error.to_string())
}

fn saga(text: &str) -> Result<Aggregate, String> {
    let (definition, id) = text.split_once('#').ok_or("a saga is written like DeliverySaga#p-1")?;
    Aggregate::new(definition, id).map_err(|error| error.to_string())
}

fn time(text: &str) -> Result<Timestamp, TimestampError> {
    Timestamp::parse(text)
}

fn subject(text: &str) -> Result<Subject, String> {
    Subject::new(text).map_err(|error| error.to_string())
}

fn view(text: &str) -> Result<ViewName, InvalidViewName> {
    ViewName::new(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split(' '))
    }

    fn assert_explained(command: &clap::Command) {
        assert!(command.get_about().is_some(), "{}", command.get_name());
        for argument in command.get_arguments() {
            assert!(
                argument.get_help().is_some(),
                "{} {}",
                command.get_name(),
                argument.get_id()
            );
        }
        command.get_subcommands().for_each(assert_explained);
    }

    #[test]
    fn every_command_and_every_flag_is_explained() {
        Cli::command().debug_assert();
        assert_explained(&Cli::command());
    }

    #[test]
    fn an_export_takes_a_stream_or_a_time_range() {
        for line in [
            "operator events export Parcel#1 --output f",
            "operator events export --from-time 2026-11-22T07:00:00Z -o -",
            "operator events export --from-time 2026-11-22T07:00:00Z --to-time 2026-11-23T07:00:00Z -o -",
        ] {
            assert!(parse(line).is_ok(), "{line}");
        }
        for line in [
            "operator events export --output f",
            "operator events export Parcel#1",
            "operator events export Parcel#1 --from-time 2026-11-22T07:00:00Z -o -",
            "operator events export Parcel#1 --to-time 2026-11-22T07:00:00Z -o -",
            "operator events export --to-time 2026-11-22T07:00:00Z -o -",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn malformed_arguments_are_refused_with_an_example() {
        for (line, example) in [
            ("operator events show p-1", "Parcel#p-1"),
            (
                "operator events state Parcel#1 --at-time yesterday",
                "2026-11-22T07:00:00.000Z",
            ),
            ("operator sagas show p-1", "DeliverySaga#p-1"),
            ("operator sagas skip DeliverySaga#1 ship", "--reason"),
            ("operator sagas resolve DeliverySaga#1", "--reason"),
            ("operator views rebuild Parcels", "lower-case letters"),
            ("operator keys revoke ock_1.2", "32 hexadecimal digits"),
            ("operator keys create partner", "--scopes"),
            ("operator events verify f --head abc", "64 hexadecimal digits"),
            (
                "operator events state Parcel#1 --at-version 1 --at-time 2026-11-22T07:00:00Z",
                "cannot be used",
            ),
        ] {
            let error = parse(line).unwrap_err().to_string();
            assert!(error.contains(example), "{line}: {error}");
        }
    }

    #[test]
    fn the_runbook_names_commands_that_exist() {
        let runbook = include_str!("../../../docs/operate.md");
        let spans = runbook.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
        let mentioned = runbook
            .lines()
            .chain(spans)
            .filter_map(|text| text.strip_prefix("operator "));
        let mut count = 0;
        for command in mentioned {
            let mut words = command.split_whitespace();
            let group = words
                .next()
                .and_then(|word| Cli::command().find_subcommand(word).cloned());
            let found = group
                .zip(words.next())
                .is_some_and(|(group, word)| group.find_subcommand(word).is_some());
            assert!(found, "operator {command}");
            count += 1;
        }
        assert!(count > 10);
    }
}
