//! The template's roles and policies, and what becomes of a scenario under them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use onecommit_authority::{PolicyError, Stack, Template, TemplateError};
use onecommit_simulation::{FaultRates, Process, Sabotage, Scenario, Search};
use thiserror::Error;

use crate::actor::Actor;
use crate::between::{Between, Elsewhere};
use crate::cast::Cast;
use crate::deployed::Deployed;

/// What is denied once is denied for ever, and who is denied goes on asking: a run ends so many requests later, which is enough
/// to see what else is denied.
const ASKED_AFTER_A_DENIAL: u64 = 300;

/// The roles and policies of a template, for the processes of a cast.
#[derive(Clone)]
pub struct Roles {
    deployed: Arc<Deployed>,
    actors: Arc<BTreeMap<&'static str, Arc<Actor>>>,
}

/// Why there are no roles to judge by.
#[derive(Debug, Error)]
pub enum RolesError {
    /// The template is not resolved, or lacks what the cast names.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A policy is not understood.
    #[error("policies that are not evaluated: {0:?}")]
    Policies(Vec<PolicyError>),
    /// There is no such statement to take away.
    #[error("{0} has no statement {1}")]
    NothingTaken(String, String),
}

/// What became of the requests of a scenario.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    /// How many requests of processes were granted.
    pub granted: u64,
    /// How many deliveries of topics were.
    pub delivered: u64,
    /// Those that were not, each once, in words.
    pub denied: BTreeSet<String>,
    /// How many requests there were after the first that was denied.
    since_denied: u64,
}

/// What is judged, over all processes of a scenario.
#[derive(Clone, Default)]
pub(crate) struct Record(Arc<Mutex<Judged>>);

impl Record {
    pub(crate) fn judged(&self) -> MutexGuard<'_, Judged> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether so much was asked since something was denied that the rest of what is denied has probably shown.
    pub(crate) fn is_enough(&self) -> bool {
        let mut judged = self.judged();
        judged.since_denied += u64::from(!judged.denied.is_empty());
        judged.since_denied > ASKED_AFTER_A_DENIAL
    }
}

impl Roles {
    /// Those of a template.
    ///
    /// # Errors
    /// When the template lacks what the cast names, or a policy in it is not understood.
    pub fn of(template: &Template, cast: Cast) -> Result<Self, RolesError> {
        Self::deployed(template, template.stack()?, cast)
    }

    /// The same, but for a statement of one role or of one resource's policy, by their names.
    ///
    /// # Errors
    /// The same, and when there is no such statement.
    pub fn without(template: &Template, cast: Cast, owner: &str, statement: &str) -> Result<Self, RolesError> {
        let mut stack = template.stack()?;
        if !stack.take_away(owner, statement) {
            return Err(RolesError::NothingTaken(owner.to_owned(), statement.to_owned()));
        }
        Self::deployed(template, stack, cast)
    }

    fn deployed(template: &Template, stack: Stack, cast: Cast) -> Result<Self, RolesError> {
        let deployed = Arc::new(Deployed::of(template, stack, cast)?);
        let actor = |part| {
            let deployed = Arc::clone(&deployed);
            Arc::new(Actor { part, deployed })
        };
        let actors = cast.parts.iter().map(|part| (part.process, actor(part)));
        Ok(Self {
            actors: Arc::new(actors.collect()),
            deployed: Arc::clone(&deployed),
        })
    }

    fn between(&self, process: &Process, record: &Record) -> Arc<dyn Sabotage> {
        let name = process.name();
        let kind = name.split_once('/').map_or(name.as_str(), |(kind, _)| kind);
        let record = record.clone();
        let elsewhere = Elsewhere {
            deployed: Arc::clone(&self.deployed),
            record: record.clone(),
        };
        match self.actors.get(kind) {
            Some(actor) => Arc::new(Between {
                actor: Arc::clone(actor),
                process: process.clone(),
                record,
                elsewhere,
            }),
            None => Arc::new(elsewhere),
        }
    }

    /// Runs a scenario calmly, and by so many random schedules.
    ///
    /// # Errors
    /// The requests that were denied, or the promise that was broken though all were granted.
    pub fn judge(&self, scenario: &dyn Scenario, seeds: u64, weather: FaultRates) -> Result<Judged, String> {
        let record = Record::default();
        let (roles, of_processes) = (self.clone(), record.clone());
        let search = Search::of(scenario).sabotaged_by(move |process| roles.between(process, &of_processes));
        let (_, calmly) = search.calmly();
        let broken = match calmly {
            Ok(()) if record.judged().denied.is_empty() => search
                .randomly(0..seeds, weather)
                .err()
                .map(|broken| broken.to_string()),
            calmly => calmly.err(),
        };
        let judged = record.judged().clone();
        match broken {
            _ if !judged.denied.is_empty() => {
                let denied: Vec<&str> = judged.denied.iter().map(String::as_str).collect();
                Err(format!("denied:\n{}", denied.join("\n")))
            }
            Some(broken) => Err(broken),
            None => Ok(judged),
        }
    }
}
