use async_trait::async_trait;
use onecommit_client::Client;
use onecommit_tokens::{KeySource, KeySourceError};
use serde_json::value::RawValue;

/// The keys of an identity provider, where it publishes them (RFC 7517).
#[derive(Clone, Debug)]
pub struct PublishedKeys {
    client: Client,
    path: String,
}

impl PublishedKeys {
    /// Those at this path of the provider that the client calls. The client keeps no answers: when keys are asked for, they
    /// are wanted as they are now.
    #[must_use]
    pub fn new(client: Client, path: impl Into<String>) -> Self {
        let path = path.into();
        Self { client, path }
    }
}

#[async_trait]
impl KeySource for PublishedKeys {
    async fn fetch(&self) -> Result<String, KeySourceError> {
        let call = self.client.get::<Box<RawValue>>(&self.path).without_cache();
        let keys = call.await.map_err(|error| KeySourceError(Box::new(error)))?;
        Ok(keys.get().to_owned())
    }
}
