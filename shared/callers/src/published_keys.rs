use std::sync::Arc;

use async_trait::async_trait;
use onecommit_client::{Address, AddressError, Client, ClientSettings, Transport};
use onecommit_environment::Environment;
use onecommit_tokens::{Jwks, KeySource, KeySourceError};
use serde_json::value::RawValue;

/// The service's name in errors and logs.
const SERVICE: &str = "session-keys";

/// Where an identity provider publishes its keys (RFC 7517).
#[derive(Clone, Debug)]
pub struct PublishedKeys {
    address: Address,
    path: String,
}

struct Fetched {
    client: Client,
    path: String,
}

impl PublishedKeys {
    /// At this address, such as `https://login.example/.well-known/jwks.json`.
    ///
    /// # Errors
    /// When it is no address that can be called.
    pub fn at(url: &str) -> Result<Self, AddressError> {
        let (base, name) = url.rsplit_once('/').unwrap_or((url, ""));
        Ok(Self {
            address: Address::fixed(SERVICE, base)?,
            path: format!("/{name}"),
        })
    }

    /// The keys, fetched through `transport` when a token needs them: at most once in a while, whoever asks, and those of
    /// before are used while the provider does not answer ([`Jwks::fetched`]).
    #[must_use]
    pub fn fetched(self, transport: impl Transport + 'static, environment: &Environment) -> Jwks {
        let settings = ClientSettings {
            // When keys are asked for, they are wanted as they are now.
            cache: None,
            ..ClientSettings::default()
        };
        let client = Client::new(transport, self.address, settings, environment.clone());
        let path = self.path;
        Jwks::fetched(Arc::new(Fetched { client, path }), environment.clone())
    }
}

#[async_trait]
impl KeySource for Fetched {
    async fn fetch(&self) -> Result<String, KeySourceError> {
        let call = self.client.get::<Box<RawValue>>(&self.path).without_cache();
        let keys = call.await.map_err(|error| KeySourceError(Box::new(error)))?;
        Ok(keys.get().to_owned())
    }
}
