use std::time::Duration;

use http::{HeaderMap, StatusCode};
use onecommit_json::JsonError;
use serde::de::DeserializeOwned;

/// A typed answer, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// The value.
    pub value: T,
    /// The answer's status.
    pub status: StatusCode,
    /// The answer's headers.
    pub headers: HeaderMap,
    /// Whether it comes from the service or from the cache.
    pub origin: Origin,
}

impl<T> Answer<T> {
    /// The same answer with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Answer<U> {
        Answer {
            value: change(self.value),
            status: self.status,
            headers: self.headers,
            origin: self.origin,
        }
    }
}

/// Where an answer comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// The service, for this call.
    #[default]
    Service,
    /// The cache, within the time that the service gave it, or found unchanged by the service.
    Cache {
        /// How old it is.
        age: Duration,
    },
    /// The cache, past its time: the service is not working, or is asked beside this call.
    Stale {
        /// How old it is.
        age: Duration,
    },
}

impl Origin {
    /// The age of a stale answer; nothing for one that is not stale.
    #[must_use]
    pub fn stale_for(&self) -> Option<Duration> {
        match self {
            Self::Stale { age } => Some(*age),
            Self::Service | Self::Cache { .. } => None,
        }
    }
}

/// What tells whether a body is what the caller's type expects.
#[derive(Clone, Copy)]
pub(crate) struct Check(pub(crate) fn(&[u8]) -> Result<(), JsonError>);

pub(crate) fn check<T: DeserializeOwned>(body: &[u8]) -> Result<(), JsonError> {
    read::<T>(body).map(|_| ())
}

/// An empty body is read as `null`, which `()` and optional values accept.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, JsonError> {
    let text = match std::str::from_utf8(body) {
        Ok("") => "null",
        Ok(text) => text,
        // No JSON text: the reader's own words for that.
        Err(_) => "\u{fffd}",
    };
    onecommit_json::from_str(text)
}
