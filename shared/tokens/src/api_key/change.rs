use onecommit_engine::{CommitFault, DatabaseError};
use onecommit_environment::Transient;
use onecommit_event::EventError;
use onecommit_sealing::NoRandomness;

use crate::api_key::key::ApiKeyId;

/// Why an API key was not made or changed. Nothing was written, but for [`ApiKeyError::Database`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApiKeyError {
    /// There is no key of this id.
    #[error("there is no API key {0}; list them to find it")]
    Unknown(ApiKeyId),
    /// The row is not that of a key.
    #[error("the row of API key {0} is malformed; restore or delete it")]
    Malformed(ApiKeyId),
    /// It is not valid any more, so that no other can take its place: make a new one.
    #[error("API key {0} was revoked or has expired; create a new key instead of rotating it")]
    Ended(ApiKeyId),
    /// Another key has taken its place already.
    #[error("API key {0} was rotated to {1} already; rotate that one")]
    Rotated(ApiKeyId, ApiKeyId),
    /// What was asked for is not acceptable.
    #[error("{field}: {problem}")]
    Field {
        /// Which part of it.
        field: &'static str,
        /// What is wrong, and what to do.
        problem: &'static str,
    },
    /// Somebody else changed the key at the same time, several times over.
    #[error("API key {0} was changed by somebody else at the same time; look at it and try again")]
    Conflict(ApiKeyId),
    /// No randomness for a new key.
    #[error("no API key can be made without randomness")]
    Randomness(#[from] NoRandomness),
    /// A name or a user that no event can carry.
    #[error("the change cannot be written as an event")]
    Event(#[from] EventError),
    /// More than a transaction takes.
    #[error("the change does not fit into a transaction")]
    TooLarge(#[from] CommitFault),
    /// The table did not answer, or refused. After a transient one, the change may have been made: look before trying again.
    #[error("the table of API keys is not available")]
    Database(#[from] DatabaseError),
}

impl Transient for ApiKeyError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Database(error) => error.is_transient(),
            Self::Conflict(_) | Self::Randomness(_) => true,
            _ => false,
        }
    }
}
