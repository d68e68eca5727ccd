use std::fmt;
use std::sync::Arc;

use http::StatusCode;
use onecommit_json::JsonError;
use serde::de::DeserializeOwned;

use crate::trouble::Trouble;

/// A call without an answer: which service, after how many attempts, and why.
#[derive(Clone, Debug)]
pub struct CallError {
    service: Arc<str>,
    attempts: u32,
    trouble: Trouble,
}

impl CallError {
    pub(crate) fn new(service: Arc<str>, attempts: u32, trouble: Trouble) -> Self {
        Self {
            service,
            attempts,
            trouble,
        }
    }

    /// The service's name, as the client has it.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// How many requests were sent.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Why there is no answer.
    #[must_use]
    pub fn trouble(&self) -> &Trouble {
        &self.trouble
    }

    /// The error status that the service answered with, if it did.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match &self.trouble {
            Trouble::Status(refusal) => Some(refusal.status),
            _ => None,
        }
    }

    /// The body of an error answer, read as `T`; nothing when there was none.
    ///
    /// # Errors
    /// When the body is something else.
    pub fn body<T: DeserializeOwned>(&self) -> Option<Result<T, JsonError>> {
        match &self.trouble {
            Trouble::Status(refusal) => Some(crate::answer::read(&refusal.body)),
            _ => None,
        }
    }

    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.trouble.is_outage() || matches!(self.trouble, Trouble::Unidentified(_))
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { service, trouble, .. } = self;
        write!(formatter, "{service}: {trouble}")?;
        match self.attempts {
            0 => Ok(()),
            1 => formatter.write_str(" (attempt 1)"),
            last => write!(formatter, " (attempt {last}, the last)"),
        }
    }
}

impl std::error::Error for CallError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.trouble.source()
    }
}
