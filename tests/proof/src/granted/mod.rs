//! Least privilege, executed in the simulation: each request of a process is put to the role that the template gives to
//! the function it stands for.
//!
//! The roles are those of `infra/template.yaml`, read and resolved; the evaluator is the one that stands between functions
//! and the local AWS in the end-to-end tests. A scenario's names are translated to the template's ([`cast`]): its table
//! `events` is `EventsTable`, its saga's rows are an order's. What is not granted is denied, as AWS denies it, and the
//! scenario fails by the name of process, role and action; a table or a topic that no part names is denied likewise.
//!
//! Put to it are reads and writes of tables, entries of transactions, marks of the relay, what is published, parked and put
//! off, and the right to take from a queue. Buckets, keys and mail are left to the end-to-end tests, as is the policy of each
//! resource: here a role's own policy has to grant the request.

mod between;
mod calls;
mod cast;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use onecommit_authority::{Template, TemplateError};
use onecommit_simulation::{Process, Sabotage, Search};

use crate::scenarios::Plan;
use between::{Between, Elsewhere};
use cast::PARTS;

const TEMPLATE: &str = include_str!("../../../../infra/template.yaml");
/// A bucket, so that what is for it is granted as well.
const GIVEN: &[(&str, &str)] = &[("ClaimCheck", "on")];
/// How many random schedules of a scenario are put to its roles, after the calm one.
const SEEDS: u64 = 60;

/// The roles of the template, by their names.
#[derive(Clone)]
pub struct Roles(Arc<BTreeMap<&'static str, Arc<cast::Actor>>>);

/// What became of the requests of a scenario.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    /// How many were granted.
    pub granted: u64,
    /// Those that were not, each once, in words.
    pub denied: BTreeSet<String>,
}

/// What is judged, over all processes of a scenario.
#[derive(Clone, Default)]
struct Record(Arc<Mutex<Judged>>);

impl Record {
    fn judged(&self) -> MutexGuard<'_, Judged> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Roles {
    /// Those of the template.
    ///
    /// # Errors
    /// When one of them is not there, or is not understood.
    pub fn of_template() -> Result<Self, TemplateError> {
        Self::without(None)
    }

    /// The same, but for a statement of one role.
    fn without(taken: Option<(&str, &str)>) -> Result<Self, TemplateError> {
        let template = Template::read(TEMPLATE, GIVEN)?;
        let mut actors = BTreeMap::new();
        for part in PARTS {
            let mut role = template.role(part.role)?;
            if let Some((_, statement)) = taken.filter(|(name, _)| *name == part.role) {
                role = role.without(statement);
            }
            actors.insert(part.process, Arc::new(cast::Actor::of(part, &template, &role)?));
        }
        Ok(Self(Arc::new(actors)))
    }

    fn between(&self, process: &Process, record: &Record) -> Arc<dyn Sabotage> {
        let name = process.name();
        let kind = name.split_once('/').map_or(name.as_str(), |(kind, _)| kind);
        match self.0.get(kind) {
            Some(actor) => Arc::new(Between {
                actor: Arc::clone(actor),
                record: record.clone(),
            }),
            None => Arc::new(Elsewhere),
        }
    }

    /// Runs a scenario calmly and by some random schedules.
    ///
    /// # Errors
    /// The requests that were denied, or the promise that was broken though all were granted.
    pub fn judge(&self, plan: &Plan) -> Result<Judged, String> {
        let record = Record::default();
        let (roles, of_processes) = (self.clone(), record.clone());
        let search = Search::of(&*plan.scenario).sabotaged_by(move |process| roles.between(process, &of_processes));
        let (_, calmly) = search.calmly();
        let broken = match calmly {
            Ok(()) if record.judged().denied.is_empty() => search
                .randomly(0..SEEDS, plan.weather)
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
