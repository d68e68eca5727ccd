use std::time::Duration;

use async_trait::async_trait;

use super::instance::Instance;

/// The most instances of one service that are kept; of more, the first.
pub(super) const INSTANCES_MAX: usize = 1_000;

/// A registry of services.
#[async_trait]
pub trait Discover: Send + Sync {
    /// The instances of a service.
    ///
    /// `known` is the version of the answer that the caller has. A registry that can wait for a change does so, up to its
    /// own bound; any other answers at once.
    ///
    /// # Errors
    /// See [`DiscoverError`]. The caller keeps what it has.
    async fn find(&self, service: &str, known: Option<u64>) -> Result<Found, DiscoverError>;
}

/// A registry's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The instances, unhealthy ones included.
    pub instances: Vec<Instance>,
    /// The version of the answer, for registries that wait for a change of it.
    pub version: Option<u64>,
    /// How long the registry says the answer holds.
    pub holds_for: Option<Duration>,
}

impl Found {
    /// Instances, of which the registry says nothing else.
    #[must_use]
    pub fn of(instances: Vec<Instance>) -> Self {
        Self {
            instances,
            version: None,
            holds_for: None,
        }
    }
}

/// Why a registry has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiscoverError {
    /// It knows no such service.
    #[error("the registry does not know the service {0}")]
    Unknown(String),
    /// It did not answer, or not with what was asked for.
    #[error("the registry did not answer for the service {service}")]
    Unavailable {
        /// The service.
        service: String,
        /// What happened.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
}
