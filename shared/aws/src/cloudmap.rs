//! AWS Cloud Map as a registry of services.
//!
//! The caller's role needs `servicediscovery:DiscoverInstances` on `*` with the condition keys
//! `servicediscovery:NamespaceName` and `servicediscovery:ServiceName`; the action knows no resource.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use aws_sdk_servicediscovery::Client;
use aws_sdk_servicediscovery::types::{HealthStatus, HealthStatusFilter, HttpInstanceSummary};
use onecommit_client::{Discover, DiscoverError, Found, Health, Instance};
use onecommit_environment::{Environment, Timestamp};

use crate::session::{RequestFailure, Session};

/// The most instances that Cloud Map names in one answer
/// (<https://docs.aws.amazon.com/cloud-map/latest/api/API_DiscoverInstances.html>).
const RESULTS_MAX: i32 = 1_000;

/// The services of one namespace.
#[derive(Clone, Debug)]
pub struct CloudMap {
    client: Client,
    namespace: String,
    environment: Environment,
}

impl CloudMap {
    /// The services of this namespace.
    #[must_use]
    pub fn new(session: &Session, namespace: impl Into<String>, environment: Environment) -> Self {
        Self {
            client: Client::new(&session.sdk_config()),
            namespace: namespace.into(),
            environment,
        }
    }
}

#[async_trait]
impl Discover for CloudMap {
    async fn find(&self, service: &str, _known: Option<u64>) -> Result<Found, DiscoverError> {
        let request = self.client.discover_instances().namespace_name(&self.namespace);
        let request = request.service_name(service).max_results(RESULTS_MAX);
        let answer = request.health_status(HealthStatusFilter::All).send().await;
        let answer = answer.map_err(|error| failure(service, RequestFailure::from(error)))?;
        let now = self.environment.clock().now();
        let instances = answer.instances.unwrap_or_default();
        Ok(Found::of(
            instances.into_iter().filter_map(|found| instance(found, now)).collect(),
        ))
    }
}

fn failure(service: &str, failure: RequestFailure) -> DiscoverError {
    let is_unknown = matches!(failure.code.as_deref(), Some("ServiceNotFound" | "NamespaceNotFound"));
    if is_unknown {
        DiscoverError::Unknown(service.to_owned())
    } else {
        DiscoverError::Unavailable {
            service: service.to_owned(),
            cause: failure.code_only().into(),
        }
    }
}

/// An instance that can be called: one without an address or a port is registered for something else.
fn instance(found: HttpInstanceSummary, now: Timestamp) -> Option<Instance> {
    let attributes: HashMap<String, String> = found.attributes.unwrap_or_default();
    let address = ["AWS_INSTANCE_IPV4", "AWS_INSTANCE_IPV6", "AWS_INSTANCE_CNAME"];
    let host = address.iter().find_map(|name| attributes.get(*name)).cloned()?;
    let port = attributes.get("AWS_INSTANCE_PORT")?.parse().ok()?;
    let metadata: BTreeMap<String, String> = attributes
        .into_iter()
        .filter(|(name, _)| !name.starts_with("AWS_"))
        .collect();
    Some(Instance {
        id: found.instance_id.unwrap_or_else(|| format!("{host}:{port}")),
        host,
        port,
        health: match found.health_status {
            Some(HealthStatus::Healthy) => Health::Healthy,
            Some(HealthStatus::Unhealthy) => Health::Unhealthy,
            _ => Health::Unknown,
        },
        zone: metadata.get("AVAILABILITY_ZONE").cloned(),
        metadata,
        last_checked: now,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(attributes: &[(&str, &str)]) -> HttpInstanceSummary {
        let summary = HttpInstanceSummary::builder()
            .instance_id("i-1")
            .health_status(HealthStatus::Unhealthy);
        let add = |summary: aws_sdk_servicediscovery::types::builders::HttpInstanceSummaryBuilder,
                   (name, value): &(&str, &str)| { summary.attributes(*name, *value) };
        attributes.iter().fold(summary, add).build()
    }

    #[test]
    fn what_was_registered_becomes_an_instance() {
        let now = Timestamp::from_unix_ms(0);
        let attributes = [
            ("AWS_INSTANCE_IPV4", "10.0.0.1"),
            ("AWS_INSTANCE_PORT", "8080"),
            ("AVAILABILITY_ZONE", "eu-central-1a"),
            ("version", "7"),
        ];
        let instance = instance(found(&attributes), now).unwrap();
        assert_eq!(
            (instance.id.as_str(), instance.authority().as_str()),
            ("i-1", "10.0.0.1:8080")
        );
        assert_eq!(
            (instance.health, instance.zone.as_deref()),
            (Health::Unhealthy, Some("eu-central-1a"))
        );
        assert_eq!(
            (instance.metadata["version"].as_str(), instance.metadata.len()),
            ("7", 2)
        );
    }

    #[test]
    fn what_cannot_be_called_is_left_out() {
        let now = Timestamp::from_unix_ms(0);
        for attributes in [
            vec![],
            vec![("AWS_INSTANCE_IPV4", "10.0.0.1")],
            vec![("AWS_INSTANCE_IPV4", "10.0.0.1"), ("AWS_INSTANCE_PORT", "many")],
            vec![("AWS_INSTANCE_PORT", "80")],
        ] {
            assert_eq!(instance(found(&attributes), now), None, "{attributes:?}");
        }
    }

    #[test]
    fn a_service_that_does_not_exist_is_unknown() {
        for (code, is_unknown) in [
            (Some("ServiceNotFound"), true),
            (Some("NamespaceNotFound"), true),
            (Some("RequestLimitExceeded"), false),
            (None, false),
        ] {
            let error = failure("prices", RequestFailure::of(code));
            assert_eq!(matches!(error, DiscoverError::Unknown(_)), is_unknown, "{code:?}");
        }
    }
}
