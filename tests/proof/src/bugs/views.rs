//! Bugs of generations of views.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use onecommit_engine::{DatabaseError, Page, Query, TableReader};
use onecommit_simulation::{Sabotage, SimulatedTables};
use onecommit_views::RebuildSettings;

use super::bug::Bug;
use super::rewriting::Untouched;
use crate::scenarios::rebuilds::{Rebuilds, VIEWS};
use crate::scenarios::{self, Plan};

pub(super) const BUGS: &[Bug] = &[
    Bug::sabotage(
        "control-rows-read-once",
        "The generation that serves misses events: a projector never looks at the control rows again.",
        |process| {
            let name = process.name();
            if name.starts_with("projector/") || name == "page" {
                Arc::new(ControlRowsReadOnce::default())
            } else {
                Arc::new(Untouched)
            }
        },
    ),
    Bug::scenarios(
        "replay-without-waiting",
        "A new generation misses events: its replay begins before every projector knows of it.",
        || at_the_pace_of(|pace| pace.known_after(Duration::ZERO)),
    ),
    Bug::scenarios(
        "switched-despite-parked",
        "A generation serves that misses events: those that could not be handled do not keep it from serving.",
        || at_the_pace_of(|pace| pace.tolerates_parked(true)),
    ),
];

/// The rebuilds with other settings.
fn at_the_pace_of(change: fn(RebuildSettings) -> RebuildSettings) -> Vec<Plan> {
    Rebuilds::ALL
        .map(|rebuilds| scenarios::of_rebuilds(rebuilds.at_the_pace_of(change)))
        .into()
}

/// Whoever only reads the control rows: a rebuild compares and writes them.
#[derive(Default)]
struct ControlRowsReadOnce(Mutex<HashMap<String, Page>>);

#[async_trait]
impl Sabotage for ControlRowsReadOnce {
    async fn query(&self, tables: &SimulatedTables, query: &Query) -> Result<Page, DatabaseError> {
        if query.table().name() != VIEWS {
            return tables.query(query).await;
        }
        let asked = format!("{query:?}");
        let read = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = read().get(&asked).cloned();
        if let Some(page) = before {
            return Ok(page);
        }
        let page = tables.query(query).await?;
        read().insert(asked, page.clone());
        Ok(page)
    }
}
