use std::error::Error;
use std::fmt;

use onecommit_engine::DatabaseError;
use onecommit_environment::Timestamp;
use onecommit_event_store::StoreError;

use super::feeding::{NotTaken, ParkedEvents};
use crate::control::state::Illegal;
use crate::control::{ChangeError, ControlError};
use crate::name::ViewName;

/// Why a view was not rebuilt. Its progress is kept: running the rebuild again continues it.
#[derive(Debug)]
#[non_exhaustive]
pub enum RebuildError {
    /// Another rebuild of the view is running, at least until then.
    AlreadyRunning(ViewName, Timestamp),
    /// Another rebuild took over this one, or it was abandoned.
    TakenOver(ViewName),
    /// Some events could not be handled. Correct the cause and run the rebuild again, which tries them again; or
    /// run it so that it tolerates them.
    Parked(ViewName, ParkedEvents),
    /// The rebuild began so long ago that the ledger forgets what it has handled: abandon it and start another.
    TooOld(ViewName, Timestamp),
    /// There is no rebuild to abandon.
    NotBuilding(ViewName),
    /// An event was not taken, by no fault of its own.
    NotTaken(NotTaken),
    /// The store could not be read.
    Store(StoreError),
    /// The control rows could not be read or written.
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
                "another rebuild of {view} is running; if it has crashed, run this one again after {until}"
            ),
            Self::TakenOver(view) => write!(
                formatter,
                "another rebuild of {view} took over this one, or it was abandoned; look at the status of the view"
            ),
            Self::Parked(view, parked) => write!(
                formatter,
                "{} events could not be handled, so the active generation of {view} stays; the first: {}",
                parked.count,
                parked.first.first().map(ToString::to_string).unwrap_or_default()
            ),
            Self::TooOld(view, since) => write!(
                formatter,
                "the rebuild of {view} began at {since}, too long ago to continue; abandon it and start another"
            ),
            Self::NotBuilding(view) => write!(formatter, "{view} is not being rebuilt"),
            Self::NotTaken(not_taken) => {
                write!(formatter, "{not_taken}; run the rebuild again to continue it")
            }
            Self::Store(_) => formatter.write_str("the event store could not be read"),
            Self::Control(_) => formatter.write_str("the control row of the view could not be read or written"),
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
