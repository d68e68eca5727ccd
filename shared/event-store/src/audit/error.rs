use std::io;

use onecommit_engine::DatabaseError;
use onecommit_event::EventError;

/// Why there is no export. What was written so far has no closing line, and [`crate::audit::verify`] says so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The stream has no events.
    #[error("there are no events of {stream}; check how it is written, like Order#ord_1")]
    NoSuchStream {
        /// The stream.
        stream: String,
    },
    /// A version is missing between others: somebody deleted it.
    #[error("version {missing} of {stream} is missing; restore the table from a backup into another one and compare")]
    Gap {
        /// The stream.
        stream: String,
        /// The first that is missing.
        missing: u64,
    },
    /// A row holds no valid event.
    #[error("version {version} of {stream} is not a valid event")]
    Corrupt {
        /// The stream.
        stream: String,
        /// The row's version.
        version: u64,
        /// What is wrong with it.
        #[source]
        error: EventError,
    },
    /// A row holds an event that the event store would not write there: something else wrote it.
    #[error("version {version} of {stream} was not written by the event store: {problem}")]
    Foreign {
        /// The stream.
        stream: String,
        /// The row's version.
        version: u64,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The table did not answer, also after several tries, or refuses to.
    #[error("the events table could not be read")]
    Database(#[from] DatabaseError),
    /// The export cannot be written to where it was to go.
    #[error("the export could not be written")]
    Output(#[from] io::Error),
}
