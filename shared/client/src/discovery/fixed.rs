use async_trait::async_trait;

use super::discover::{Discover, DiscoverError, Found};
use super::instance::Instance;

/// Instances that are known beforehand, whatever the service is called.
#[derive(Clone, Debug)]
pub struct FixedInstances(Vec<Instance>);

impl FixedInstances {
    /// These instances.
    #[must_use]
    pub fn new(instances: Vec<Instance>) -> Self {
        Self(instances)
    }
}

#[async_trait]
impl Discover for FixedInstances {
    async fn find(&self, _service: &str, _known: Option<u64>) -> Result<Found, DiscoverError> {
        Ok(Found::of(self.0.clone()))
    }
}
