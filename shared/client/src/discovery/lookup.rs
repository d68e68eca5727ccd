use std::collections::BTreeSet;

use async_trait::async_trait;
use onecommit_environment::Environment;

use super::discover::{Discover, DiscoverError, Found};
use super::instance::Instance;

/// The addresses of a name, as the operating system resolves it: hosts file, search domains and all. It says nothing of how
/// long an answer holds, and knows no ports.
///
/// In Kubernetes the name of a headless service resolves to its pods, and that of any other to one address that Kubernetes
/// balances by itself: [`kubernetes`](Self::kubernetes) writes it.
#[derive(Clone, Debug)]
pub struct Lookup {
    port: u16,
    environment: Environment,
}

impl Lookup {
    /// Addresses of names, with this port.
    #[must_use]
    pub fn new(port: u16, environment: Environment) -> Self {
        Self { port, environment }
    }

    /// The name of a Kubernetes service, in the namespace `default` if none is given. It ends with a dot, so that no search
    /// domain is tried before it.
    #[must_use]
    pub fn kubernetes(service: &str, namespace: Option<&str>) -> String {
        format!("{service}.{}.svc.cluster.local.", namespace.unwrap_or("default"))
    }
}

#[async_trait]
impl Discover for Lookup {
    async fn find(&self, service: &str, _known: Option<u64>) -> Result<Found, DiscoverError> {
        let found = tokio::net::lookup_host((service, self.port)).await;
        let found = found.map_err(|error| DiscoverError::Unavailable {
            service: service.to_owned(),
            cause: Box::new(error),
        })?;
        let now = self.environment.clock().now();
        // Resolvers repeat an address for each kind of socket.
        let addresses: BTreeSet<_> = found.map(|address| address.ip()).collect();
        let instances = addresses
            .iter()
            .map(|address| Instance::at(address.to_string(), self.port, now));
        Ok(Found::of(instances.collect()))
    }
}
