use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use onecommit_environment::{Environment, Timestamp};
use serde::Deserialize;

use crate::client::Client;
use crate::discovery::{Discover, DiscoverError, Found, Health, Instance};
use crate::error::CallError;
use crate::path::segment;

/// How long Consul waits for a change. It adds up to a sixteenth of it.
const WAIT_S: u64 = 30;
/// For the answer itself.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Header of the version of an answer.
const INDEX: &str = "x-consul-index";

/// The registry of HashiCorp's Consul, over its HTTP API, asked with blocking queries
/// (<https://developer.hashicorp.com/consul/api-docs/health>).
///
/// It is a client of Consul's, so its address, its token ([`ApiKey`](crate::ApiKey) in `X-Consul-Token`) and its limits are
/// those of that client, which needs neither cache nor retries: [`Instances`](crate::Instances) asks again and keeps what is
/// known.
#[derive(Clone, Debug)]
pub struct Consul {
    client: Client,
    environment: Environment,
}

impl Consul {
    /// The registry that this client calls.
    #[must_use]
    pub fn new(client: Client, environment: Environment) -> Self {
        Self { client, environment }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    node: Node,
    service: Service,
    #[serde(default)]
    checks: Option<Vec<HealthCheck>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Node {
    address: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Service {
    #[serde(rename = "ID")]
    id: String,
    #[serde(default)]
    address: Option<String>,
    port: u16,
    #[serde(default)]
    meta: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HealthCheck {
    status: String,
}

impl Entry {
    fn into_instance(self, now: Timestamp) -> Instance {
        let Service {
            id,
            address,
            port,
            meta,
        } = self.service;
        let metadata = meta.unwrap_or_default();
        let checks = self.checks.unwrap_or_default();
        // `warning` still takes calls, as with Consul's own `?passing`'s counterpart in DNS.
        let is_down = checks
            .iter()
            .any(|check| !["passing", "warning"].contains(&check.status.as_str()));
        Instance {
            id,
            // A service without an address of its own is at its node's.
            host: address
                .filter(|address| !address.is_empty())
                .unwrap_or(self.node.address),
            port,
            health: match (checks.is_empty(), is_down) {
                (true, _) => Health::Unknown,
                (false, true) => Health::Unhealthy,
                (false, false) => Health::Healthy,
            },
            zone: metadata.get("zone").cloned(),
            metadata,
            last_checked: now,
        }
    }
}

#[async_trait]
impl Discover for Consul {
    async fn find(&self, service: &str, known: Option<u64>) -> Result<Found, DiscoverError> {
        let path = format!("/v1/health/service/{}", segment(service));
        let (path, limit) = match known {
            Some(index) => (
                format!("{path}?index={index}&wait={WAIT_S}s"),
                Duration::from_secs(WAIT_S + WAIT_S / 16 + 1) + ANSWER_WITHIN,
            ),
            None => (path, ANSWER_WITHIN),
        };
        let unavailable = |error: CallError| DiscoverError::Unavailable {
            service: service.to_owned(),
            cause: Box::new(error),
        };
        let asked = self
            .client
            .get::<Vec<Entry>>(&path)
            .without_cache()
            .answer_within(limit);
        let answer = asked.answer().await.map_err(unavailable)?;
        let now = self.environment.clock().now();
        let index = answer
            .headers
            .get(INDEX)
            .and_then(|index| index.to_str().ok()?.parse().ok());
        Ok(Found {
            instances: answer.value.into_iter().map(|entry| entry.into_instance(now)).collect(),
            version: index,
            holds_for: None,
        })
    }
}
