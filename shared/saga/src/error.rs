use onecommit_engine::{DatabaseError, Failure};
use onecommit_event::EventError;
use onecommit_json::JsonError;
use serde::de::DeserializeOwned;

/// Why a saga could not take its next step. Whatever it is, the message that brought it comes back, and is parked when it
/// comes too often; the saga stays where it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SagaError {
    /// The saga runs under a version that this code does not have: newer code began it, or older code was removed too early.
    #[error(
        "saga {saga} runs under version {version} of its definition, which is not registered; deploy the code that has it"
    )]
    UnknownVersion {
        /// The saga.
        saga: String,
        /// The version it began with.
        version: u32,
    },
    /// Its row only holds a cancellation: the event that starts it is on its way, or never was.
    #[error("saga {saga} was cancelled and has not started; it turns back as soon as it does")]
    NotStarted {
        /// The saga.
        saga: String,
    },
    /// The definition has other steps than when the saga began.
    #[error(
        "version {version} of the definition has other steps than when saga {saga} began under it; restore them, and \
         register the changed definition under a new version"
    )]
    StepsChanged {
        /// The saga.
        saga: String,
        /// The version.
        version: u32,
    },
    /// The row is not as this library writes it.
    #[error("the row of saga {saga} has no valid {attribute}; restore it from a backup")]
    Corrupt {
        /// The saga.
        saga: String,
        /// The attribute.
        attribute: &'static str,
    },
    /// The saga's data is not what its definition says.
    #[error("the saga's data does not fit its definition; a definition under way must not change its data")]
    Data(#[source] JsonError),
    /// The saga's data cannot be written as JSON.
    #[error("the saga's data cannot be written as JSON; every key has to be a text, every number finite")]
    Unwritable,
    /// An event is not what its type promises.
    #[error("an event is not what its type promises")]
    Event(#[from] EventError),
    /// The sagas table did not answer, or refuses to.
    #[error("the row could not be read from the sagas table")]
    Database(#[from] DatabaseError),
}

/// What the engine does about it: an event that is none is parked at once, everything else may pass.
pub(crate) fn failure(error: SagaError) -> Failure {
    match error {
        SagaError::Event(error) => Failure::Invalid(error),
        other => Failure::transient(other),
    }
}

/// A saga's data, as its definition has it. What does not fit is told by its place, never by its value.
pub(crate) fn read_data<T: DeserializeOwned>(text: &str) -> Result<T, SagaError> {
    match serde_json::from_str(text) {
        Ok(data) => Ok(data),
        Err(_) => onecommit_json::from_str(text).map_err(SagaError::Data),
    }
}
