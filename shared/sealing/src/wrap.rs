use std::error::Error;

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::subject::Subject;

/// Wraps the keys of subjects with a key that never leaves the service that holds it, such as AWS KMS. A copy of the table
/// of keys, a backup or an export, is then of no use without the right to ask that service.
///
/// Whoever forgets a subject needs no such right: forgetting deletes what was wrapped.
#[async_trait]
pub trait KeyWrap: Send + Sync {
    /// The secret as it may lie in the table. It opens for this subject and key id only.
    ///
    /// A crash after it changes nothing: the service keeps no state of it.
    ///
    /// # Errors
    /// See [`WrapError`].
    async fn wrap(&self, subject: &Subject, key_id: &str, secret: &[u8]) -> Result<Vec<u8>, WrapError>;

    /// The secret again.
    ///
    /// # Errors
    /// See [`WrapError`].
    async fn unwrap(&self, subject: &Subject, key_id: &str, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, WrapError>;
}

/// Why a key was not wrapped or unwrapped. Neither holds a part of a key.
#[derive(Debug, thiserror::Error)]
pub enum WrapError {
    /// The service did not answer, or does not let this process: it may work later.
    #[error("the service that wraps keys is not available: {0}")]
    Unavailable(Box<dyn Error + Send + Sync>),
    /// It was wrapped for another subject or with another key, or changed.
    #[error("the wrapped key cannot be unwrapped: {0}")]
    Refused(Box<dyn Error + Send + Sync>),
}
