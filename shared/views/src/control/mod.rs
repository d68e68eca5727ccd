//! The control rows: which generation of each view serves, and which is being built.

mod row;
pub(crate) mod state;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use onecommit_engine::{Backoff, DatabaseError, Item, Table, Tables};
use onecommit_environment::Environment;

use self::row::{Row, lag_in, lag_update};
use self::state::{ControlState, Illegal};
use crate::definition::{PARTITION_KEY, SORT_KEY};
use crate::lag::Lag;
use crate::name::{Generation, ViewName};

/// The control rows of all views in a views table: one partition, `pk = view-control`, a row per view. So one request
/// reads all of them.
#[derive(Clone)]
pub struct ViewControl {
    tables: Arc<dyn Tables>,
    table: Table,
    environment: Environment,
}

/// The generations of a view that are being kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generations {
    /// The one that readers see; none, when the view has been announced and never built.
    pub active: Option<Generation>,
    /// The one that is being built.
    pub building: Option<Generation>,
}

/// Why the control rows could not be read or written.
#[derive(Debug)]
#[non_exhaustive]
pub enum ControlError {
    /// The views table did not answer, or refuses to.
    Database(DatabaseError),
    /// The row of this view cannot be read: something else wrote it, or newer code did.
    Corrupt {
        /// The view.
        view: String,
        /// What is wrong with it.
        error: String,
    },
    /// The row was changed at the same time, several times; try again.
    Contended(ViewName),
    /// The view is known already: it needs no announcement.
    Known(ViewName),
}

/// What is known of all views at one time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    views: BTreeMap<String, Row>,
    pub(crate) lags: BTreeMap<String, Lag>,
}

/// How often a change is decided because others were quicker, or the answer was lost: each time on the row as it is by
/// then, so it is not the same request again.
const TRIES_MAX: u32 = 8;
const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(100),
    longest: Duration::from_secs(2),
};

impl ViewControl {
    /// The control rows in `table`.
    #[must_use]
    pub fn new(tables: Arc<dyn Tables>, table: Table, environment: Environment) -> Self {
        Self {
            tables,
            table,
            environment,
        }
    }

    /// Announces a view: it is empty until it has been rebuilt. Needed before its projector is deployed on a store that
    /// has events: without it, the view would start in the middle.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn announce(&self, view: &ViewName) -> Result<(), ControlError> {
        let announced = |known: Option<ControlState>| match known {
            None => Ok(ControlState::announced()),
            Some(_) => Err(Illegal::Known),
        };
        self.change(view, announced)
            .await
            .map(drop)
            .map_err(|error| match error {
                ChangeError::Control(error) => error,
                ChangeError::Illegal(_) => ControlError::Known(view.clone()),
            })
    }

    /// The generations of a view.
    ///
    /// # Errors
    /// See [`ControlError`].
    pub async fn generations(&self, view: &ViewName) -> Result<Generations, ControlError> {
        Ok(self.known().await?.generations(view))
    }

    /// What is known of all views. One request, of half a read unit per 4 KB.
    pub(crate) async fn known(&self) -> Result<Known, ControlError> {
        let mut known = Known::default();
        let mut next = Some(self.table.query(PARTITION_KEY, row::PARTITION));
        while let Some(query) = next {
            let page = self.tables.query(&query).await.map_err(ControlError::Database)?;
            for item in page.rows {
                known.add(item)?;
            }
            next = page.next;
        }
        Ok(known)
    }

    /// Changes the state of a view as `step` says. A lost answer is cleared up: the row tells who wrote it.
    pub(crate) async fn change(
        &self,
        view: &ViewName,
        step: impl Fn(Option<ControlState>) -> Result<ControlState, Illegal>,
    ) -> Result<ControlState, ChangeError> {
        for failures in 1..=TRIES_MAX {
            let before = self.get(view).await?;
            let state = step(before.as_ref().map(|row| row.state.clone()))?;
            let writer = self.environment.ids().next().to_string();
            let put = Row::after(before.as_ref(), &state, &writer).put(&self.table, view)?;
            match self.tables.write(&put.into()).await {
                Ok(()) => return Ok(state),
                Err(DatabaseError::Cancelled(_)) => {}
                Err(DatabaseError::Transient(..)) => {
                    if self.get(view).await?.is_some_and(|row| row.writer == writer) {
                        return Ok(state);
                    }
                    self.wait(failures).await;
                }
                Err(error) => return Err(ControlError::Database(error).into()),
            }
        }
        Err(ControlError::Contended(view.clone()).into())
    }

    /// Notes how far behind views are. That it may fail harms nobody.
    pub(crate) async fn note_lags(&self, lags: &BTreeMap<String, Lag>) -> Result<(), DatabaseError> {
        self.tables.write(&lag_update(&self.table, lags).into()).await
    }

    pub(crate) fn tables(&self) -> &Arc<dyn Tables> {
        &self.tables
    }

    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }

    async fn get(&self, view: &ViewName) -> Result<Option<Row>, ControlError> {
        let key = row::key(view.as_str());
        let found = self
            .tables
            .get(&self.table, &key)
            .await
            .map_err(ControlError::Database)?;
        found.map(|item| Row::read(view.as_str(), &item)).transpose()
    }

    async fn wait(&self, failures: u32) {
        let wait = BACKOFF.after(failures, self.environment.random());
        self.environment.clock().sleep(wait).await;
    }
}

impl Known {
    pub(crate) fn generations(&self, view: &ViewName) -> Generations {
        let state = self.state(view);
        Generations {
            active: state.active,
            building: state.building.map(|building| building.generation),
        }
    }

    pub(crate) fn state(&self, view: &ViewName) -> ControlState {
        self.views
            .get(view.as_str())
            .map(|row| row.state.clone())
            .unwrap_or_default()
    }

    /// The names of the views that have a row.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.views.keys().map(String::as_str)
    }

    fn add(&mut self, item: Item) -> Result<(), ControlError> {
        let name = item.get(SORT_KEY).and_then(|value| value.as_str()).unwrap_or_default();
        if name == row::LAGS {
            self.lags = lag_in(&item);
        } else {
            self.views.insert(name.to_owned(), Row::read(name, &item)?);
        }
        Ok(())
    }
}

/// Why a change was not made.
#[derive(Debug)]
pub(crate) enum ChangeError {
    Illegal(Illegal),
    Control(ControlError),
}

impl From<Illegal> for ChangeError {
    fn from(illegal: Illegal) -> Self {
        Self::Illegal(illegal)
    }
}

impl From<ControlError> for ChangeError {
    fn from(error: ControlError) -> Self {
        Self::Control(error)
    }
}

impl fmt::Display for ControlError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(_) => {
                formatter.write_str("the control rows of the views table could not be read or written")
            }
            Self::Corrupt { view, error } => write!(
                formatter,
                "the control row of the view {view} cannot be read ({error}); deploy the newer code, or restore the \
                 row"
            ),
            Self::Contended(view) => write!(
                formatter,
                "the control row of {view} was changed at the same time, several times; try again"
            ),
            Self::Known(view) => write!(formatter, "{view} exists; rebuild it instead"),
        }
    }
}

impl std::error::Error for ControlError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Database(error) => Some(error),
            Self::Corrupt { .. } | Self::Contended(_) | Self::Known(_) => None,
        }
    }
}
