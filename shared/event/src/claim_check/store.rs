use std::error::Error;
use std::fmt;

use async_trait::async_trait;

/// Where payloads wait.
#[async_trait]
pub trait PayloadStore: Send + Sync {
    /// The store's name, written into every check.
    fn name(&self) -> &str;

    /// Keeps a payload under a key, unless something is there already: keys name their content, so that is the same.
    ///
    /// A crash after it and before the message left costs storage until the object expires, nothing else.
    ///
    /// # Errors
    /// See [`StoreError`].
    async fn put(&self, key: &str, payload: &str) -> Result<(), StoreError>;

    /// The payload under a key, which has `bytes` bytes. An object of another length is not read: nobody has set memory
    /// aside for it, and it is not what was left.
    ///
    /// # Errors
    /// See [`StoreError`]; an object of another length is [`StoreError::Gone`].
    async fn get(&self, key: &str, bytes: u64) -> Result<String, StoreError>;
}

/// Why a payload could not be left or claimed.
#[derive(Debug)]
pub enum StoreError {
    /// It may work later.
    Transient(Box<dyn Error + Send + Sync>),
    /// There is no such payload, or it may not be read.
    Gone(Box<dyn Error + Send + Sync>),
}

impl fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transient(source) => write!(formatter, "the payload store is not available: {source}"),
            Self::Gone(source) => write!(
                formatter,
                "the payload store rejected the request for the payload: {source}"
            ),
        }
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Transient(source) | Self::Gone(source) => Some(&**source),
        }
    }
}
