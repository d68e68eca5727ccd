use std::error::Error;
use std::fmt;

use onecommit_engine::{CommitFault, DatabaseError};
use onecommit_event::EventError;

use crate::upcast::UpcastError;

/// Why a stream could not be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// The table did not answer, or refuses to.
    Database(DatabaseError),
    /// A row is not a valid event.
    Corrupt {
        /// The stream.
        stream: String,
        /// The row's version.
        version: u64,
        /// What is wrong with it.
        error: EventError,
    },
    /// A version is missing between others: it was deleted.
    Gap {
        /// The stream.
        stream: String,
        /// The first that is missing.
        missing: u64,
    },
    /// An event has a type that its aggregate does not know: it was written by newer code.
    UnknownEventType {
        /// The stream.
        stream: String,
        /// Its version.
        version: u64,
        /// Its type.
        event_type: String,
    },
    /// An event could not be brought to the schema that the code knows.
    Upcast(UpcastError),
}

impl StoreError {
    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Database(DatabaseError::Transient(..)))
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(_) => formatter.write_str("the stream could not be read from the events table"),
            Self::Corrupt { stream, version, .. } => {
                write!(formatter, "version {version} of {stream} is not a valid event")
            }
            Self::Gap { stream, missing } => write!(formatter, "version {missing} of {stream} is missing"),
            Self::UnknownEventType {
                stream,
                version,
                event_type,
            } => {
                write!(
                    formatter,
                    "version {version} of {stream} is a {event_type}, which this code does not know; deploy the newer code"
                )
            }
            Self::Upcast(_) => formatter.write_str("an event could not be upcast to the schema version of this code"),
        }
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Database(error) => Some(error),
            Self::Corrupt { error, .. } => Some(error),
            Self::Upcast(error) => Some(error),
            Self::Gap { .. } | Self::UnknownEventType { .. } => None,
        }
    }
}

impl From<DatabaseError> for StoreError {
    fn from(error: DatabaseError) -> Self {
        Self::Database(error)
    }
}

/// Why events were not appended. Only after [`AppendError::Store`] may they exist nevertheless.
#[derive(Debug)]
#[non_exhaustive]
pub enum AppendError {
    /// The stream has another version than the writer read: read it again and decide again.
    VersionConflict {
        /// The version the writer saw.
        expected: u64,
        /// The version it has.
        found: u64,
    },
    /// They exceed the limits of a transaction: append fewer.
    TooLarge(CommitFault),
    /// One of them is not a valid event.
    Invalid(EventError),
    /// The table did not answer, or refuses to.
    Store(StoreError),
}

impl fmt::Display for AppendError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::VersionConflict { expected, found } => {
                write!(
                    formatter,
                    "the stream has version {found}, not {expected}; read it again and decide again"
                )
            }
            Self::TooLarge(_) => formatter.write_str("the events exceed the transaction limits; append fewer at once"),
            Self::Invalid(_) => formatter.write_str("an event is not valid"),
            Self::Store(_) => formatter.write_str("the events could not be appended to the events table"),
        }
    }
}

impl Error for AppendError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::VersionConflict { .. } => None,
            Self::TooLarge(fault) => Some(fault),
            Self::Invalid(error) => Some(error),
            Self::Store(error) => Some(error),
        }
    }
}

/// Why a command had no effect.
#[derive(Debug)]
pub enum ExecuteError<R> {
    /// The aggregate rejected it.
    Rejected(R),
    /// Its stream could not be read.
    Load(StoreError),
    /// Its events could not be appended, also after deciding again several times.
    Append(AppendError),
}

impl<R: fmt::Debug> fmt::Display for ExecuteError<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(_) => formatter.write_str("the aggregate rejected the command"),
            Self::Load(_) => formatter.write_str("the aggregate could not be loaded"),
            Self::Append(_) => formatter.write_str("the decided events could not be stored"),
        }
    }
}

impl<R: fmt::Debug> Error for ExecuteError<R> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Rejected(_) => None,
            Self::Load(error) => Some(error),
            Self::Append(error) => Some(error),
        }
    }
}
