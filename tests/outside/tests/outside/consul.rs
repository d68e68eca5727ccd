//! Our client of Consul beside a registry that a stranger's client can use, too: `tests/outside/py_consul.py`.

use std::sync::Arc;
use std::time::Duration;

use onecommit_client::{Client, ClientSettings, Consul, DiscoverySettings, Health, Instances};
use onecommit_environment::Environment;
use serde_json::{Value, json};

use crate::process::Process;

async fn register(consul: &Client, service: Value) {
    consul.put::<()>("/v1/agent/service/register", &service).await.unwrap();
}

#[tokio::test]
async fn changes_in_consul_are_known_at_once() {
    let (outside, environment) = (Process::start(), Environment::system());
    let settings = ClientSettings {
        cache: None,
        ..ClientSettings::default()
    };
    let consul = outside.client_with(settings);
    let registry = Arc::new(Consul::new(consul.clone(), environment.clone()));
    register(&consul, json!({"Name": "prices", "ID": "prices-1", "Port": 8081})).await;
    // Only a blocking query can notice a change before that.
    let settings = DiscoverySettings {
        refresh_at_least: Duration::from_millis(10),
        refresh_every: Duration::from_secs(3_600),
        ..DiscoverySettings::default()
    };
    let prices = Instances::of("prices", registry, settings, environment);
    let picked = prices.pick().await.unwrap();
    assert_eq!(picked.instance.authority(), "10.0.0.9:8081", "at its node's address");
    assert_eq!(picked.instance.health, Health::Healthy);
    register(
        &consul,
        json!({"Name": "prices", "ID": "prices-2", "Address": "10.0.0.2", "Port": 8082}),
    )
    .await;
    until(|| prices.health().usable == 2).await;
    consul
        .put::<()>("/v1/agent/check/fail/service:prices-1", &json!(null))
        .await
        .unwrap();
    until(|| prices.health().usable == 1).await;
    assert_eq!(prices.pick().await.unwrap().instance.id, "prices-2");
}

/// Each look lets the client and its registry go on.
async fn until(is_so: impl Fn() -> bool) {
    let look = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), look).await.unwrap();
}
