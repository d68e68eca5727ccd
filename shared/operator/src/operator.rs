use std::process::ExitCode;
use std::sync::Arc;

use clap::FromArgMatches;
use onecommit_engine::TableReader;
use onecommit_event_store::Decider;
use onecommit_views::ViewDefinition;
use serde::Serialize;

use crate::cli::{self, Cli};
use crate::dispatch::{self, Known};
use crate::known::KnownAggregates;
use crate::process;
use crate::terminal::Terminal;

/// A command line for those who run a service, which knows its views and its aggregates.
///
/// Without any it is of use too: only `events state` and the commands on views need to know what events mean.
pub struct Operator {
    name: &'static str,
    version: &'static str,
    known: Known,
}

impl Default for Operator {
    fn default() -> Self {
        Self::named("operator")
    }
}

impl Operator {
    /// A program of this name, which its help, its completions and the commands that it suggests use.
    #[must_use]
    pub fn named(name: &'static str) -> Self {
        Self {
            name,
            version: env!("CARGO_PKG_VERSION"),
            known: Known {
                views: Box::new(|_| Vec::new()),
                aggregates: KnownAggregates::default(),
            },
        }
    }

    /// What `--version` prints: `env!("CARGO_PKG_VERSION")` of the program; without it, the version of this library.
    #[must_use]
    pub fn version(self, version: &'static str) -> Self {
        Self { version, ..self }
    }

    /// Names the views that the service's projectors keep: the same function that makes them for a projector.
    ///
    /// A rebuild runs their handlers, so the program has to be built from the same revision as the projector that is
    /// deployed. Called again, it replaces the views named before.
    #[must_use]
    pub fn views(mut self, views: impl Fn(&Arc<dyn TableReader>) -> Vec<Arc<dyn ViewDefinition>> + 'static) -> Self {
        self.known.views = Box::new(views);
        self
    }

    /// Adds an aggregate whose state `events state` computes and prints as JSON.
    #[must_use]
    pub fn aggregate<D: Decider + 'static>(mut self) -> Self
    where
        D::State: Serialize,
    {
        self.known.aggregates.add::<D>();
        self
    }

    /// Carries out what the command line of this process says, with settings from its environment.
    ///
    /// Results are written to standard output, errors, progress and questions to standard error. The exit code is 0 on
    /// success and 1 on failure.
    /// A wrong command line ends the process at once, with exit code 2; `--help` and `--version` end it with 0.
    #[must_use = "the process should end with this exit code"]
    pub fn run(self) -> ExitCode {
        let matches = cli::command(self.name).version(self.version).get_matches();
        let Cli { json, command } = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        let mut terminal = Terminal::of_this_process(self.name, json);
        process::start(dispatch::run(command, &self.known, &mut terminal))
    }
}
