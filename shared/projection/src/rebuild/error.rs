use std::error::Error;
use std::fmt;

use onecommit_commit::DatabaseError;
use onecommit_environment::Timestamp;
use onecommit_event_store::StoreError;

use super::feeding::{NotTaken, ParkedEvents};
use crate::control::state::Illegal;
use crate::control::{ChangeError, ControlError};
use crate::name::ViewName;

/// Why a view was not rebuilt. What was done so far stays: running the rebuild again goes on with it.
#[derive(Debug)]
#[non_exhaustive]
pub enum RebuildError {
    /// Another rebuild of the view is at work, at least until then.
    AlreadyRunning(ViewName, Timestamp),
    /// Another rebuild took this one over, or somebody abandoned it.
    TakenOver(ViewName),
    /// Some events could not be handled. Mend what they failed of and run the rebuild again, which tries them again; or
    /// run it so that it tolerates them.
    Parked(ViewName, ParkedEvents),
    /// The rebuild began so long ago that the ledger forgets what it has handled: abandon it and start another.
    TooOld(ViewName, Timestamp),
    /// There is no rebuild to abandon.
    NotBuilding(ViewName),
    /// An event was not taken, by no fault of its own.
    NotTaken(NotTaken),
    /// The store did not tell its events.
    Store(StoreError),
    /// The control rows did not tell or take something.
    Control(ControlError),
    /// Rows of the views table could not be read or deleted.
    Rows(DatabaseError),
}

impl RebuildError {
    pub(super) fn of_change(view: &ViewName, error: ChangeError) -> Self {
        match error {
            ChangeError::Control(error) => Self::Control(error),
            ChangeError::Illegal(Illegal::Owned(until)) => Self::AlreadyRunning(view.clone(), until),
            ChangeError::Illegal(Illegal::NotBuilding) => Self::NotBuilding(view.clone()),
            ChangeError::Illegal(Illegal::NotOwner | Illegal::Known) => Self::TakenOver(view.clone()),
        }
    }
}

impl fmt::Display for RebuildError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyRunning(view, until) => write!(
                formatter,
                "another rebuild of {view} is at work; if it has crashed, run this one again after {until}"
            ),
            Self::TakenOver(view) => write!(
                formatter,
                "another rebuild of {view} has taken this one over, or it was abandoned; look at the view's status"
            ),
            Self::Parked(view, parked) => write!(
                formatter,
                "{} events could not be handled, so {view} goes on as it was; the first: {}",
                parked.count,
                parked.first.first().map(ToString::to_string).unwrap_or_default()
            ),
            Self::TooOld(view, since) => write!(
                formatter,
                "the rebuild of {view} began at {since}, too long ago to go on with; abandon it and start another"
            ),
            Self::NotBuilding(view) => write!(formatter, "{view} is not being rebuilt"),
            Self::NotTaken(not_taken) => {
                write!(formatter, "{not_taken}; run the rebuild again, it goes on where it was")
            }
            Self::Store(_) => formatter.write_str("the event store did not tell its events"),
            Self::Control(_) => formatter.write_str("the view's control row did not tell or take its state"),
            Self::Rows(_) => formatter.write_str("rows of the views table could not be read or deleted"),
        }
    }
}

impl Error for RebuildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Store(error) => Some(error),
            Self::Control(error) => Some(error),
            Self::Rows(error) => Some(error),
            Self::AlreadyRunning(..)
            | Self::TakenOver(_)
            | Self::Parked(..)
            | Self::TooOld(..)
            | Self::NotBuilding(_)
            | Self::NotTaken(_) => None,
        }
    }
}
