use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use onecommit_engine::{Engine, Table, Verdict};
use onecommit_environment::Timestamp;
use onecommit_event::Event;

use super::ViewTally;
use crate::control::Generations;
use crate::definition::{ViewDefinition, ViewRows};
use crate::engines::EngineFactory;
use crate::lag::Lag;
use crate::name::{Generation, InvalidViewName, ViewName};

/// A view with the engines of its generations.
pub(super) struct KeptView {
    name: ViewName,
    definition: Arc<dyn ViewDefinition>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Of the generations that are kept now.
    engines: BTreeMap<Generation, Arc<Engine>>,
    active: Option<Generation>,
    lags: Vec<Duration>,
    worst_lag: Option<Lag>,
}

/// An engine at work.
pub(super) struct Keeping {
    pub(super) engine: Arc<Engine>,
    pub(super) is_active: bool,
}

/// CloudWatch takes at most 100 values of a metric in one log line.
const LAGS_MAX: usize = 100;

impl KeptView {
    pub(super) fn new(definition: Arc<dyn ViewDefinition>) -> Result<Self, InvalidViewName> {
        Ok(Self {
            name: ViewName::new(definition.name())?,
            definition,
            state: Mutex::default(),
        })
    }

    pub(super) fn name(&self) -> &ViewName {
        &self.name
    }

    /// The engines of these generations; those of others are let go.
    pub(super) fn keeping(&self, generations: Generations, engines: &EngineFactory, table: &Table) -> Vec<Keeping> {
        let wanted = [generations.active, generations.building];
        let mut state = self.lock();
        state.active = generations.active;
        state
            .engines
            .retain(|generation, _| wanted.contains(&Some(*generation)));
        let keep = |generation: Generation| {
            let make = || {
                let rows = ViewRows::new(table.clone(), &self.name, generation);
                Arc::new(engines.engine(&*self.definition, &self.name, generation, rows))
            };
            Keeping {
                engine: Arc::clone(state.engines.entry(generation).or_insert_with(make)),
                is_active: generations.active == Some(generation),
            }
        };
        wanted.into_iter().flatten().map(keep).collect()
    }

    /// How long after it happened each event showed.
    pub(super) fn note_lags(&self, events: &[Option<&Event>], verdicts: &[Verdict], now: Timestamp) {
        let shown = events
            .iter()
            .zip(verdicts)
            .filter(|(_, verdict)| **verdict == Verdict::Done);
        let lags = shown.filter_map(|(event, _)| event.map(|event| now.since(event.timestamp())));
        let mut state = self.lock();
        for lag in lags {
            if state.lags.len() < LAGS_MAX {
                state.lags.push(lag);
            }
            let behind_ms = u64::try_from(lag.as_millis()).unwrap_or(u64::MAX);
            if state.worst_lag.is_none_or(|worst| worst.behind_ms <= behind_ms) {
                state.worst_lag = Some(Lag {
                    behind_ms,
                    handled_at_ms: now.unix_ms(),
                });
            }
        }
    }

    /// The worst since the last call.
    pub(super) fn take_worst_lag(&self) -> Option<(String, Lag)> {
        let worst = self.lock().worst_lag.take()?;
        Some((self.name.to_string(), worst))
    }

    pub(super) fn take_tallies(&self) -> Vec<ViewTally> {
        let mut state = self.lock();
        let lags = std::mem::take(&mut state.lags);
        let tally = |(generation, engine): (&Generation, &Arc<Engine>)| {
            let is_active = state.active == Some(*generation);
            ViewTally {
                name: if is_active {
                    self.name.to_string()
                } else {
                    format!("{}@building", self.name)
                },
                tally: engine.metrics().take(),
                lags: if is_active { lags.clone() } else { Vec::new() },
            }
        };
        state.engines.iter().map(tally).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
