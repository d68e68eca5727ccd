//! What is found by DNS, whatever a server answers.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

mod server;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use onecommit_client::{Discover, DiscoverError, DiscoverySettings, Found, Instances};
use onecommit_discovery_dns::{Dns, Records};
use onecommit_environment::Environment;

use server::{Reply, Server};

const NAME: &str = "prices.example.";
const SERVICES: &str = "_http._tcp.prices.example.";

fn dns(server: &Server, records: Records) -> Dns {
    Dns::at(server.address(), records, Environment::system()).unwrap()
}

async fn addresses(reply: Reply) -> Result<Found, DiscoverError> {
    let server = Server::start(move |name| if name == NAME { reply.clone() } else { Reply::NoSuchName }).await;
    dns(&server, Records::Addresses(8080)).find(NAME, None).await
}

fn at(found: &Found) -> Vec<String> {
    let mut all: Vec<_> = found
        .instances
        .iter()
        .map(onecommit_client::Instance::authority)
        .collect();
    all.sort();
    all
}

#[tokio::test]
async fn addresses_become_instances_for_as_long_as_they_hold() {
    let found = addresses(Reply::Addresses(2, 30)).await.unwrap();
    assert_eq!(at(&found), ["10.0.0.0:8080", "10.0.0.1:8080"]);
    assert_eq!(found.holds_for, Some(Duration::from_secs(30)));
}

#[tokio::test]
async fn an_answer_may_hold_for_no_time() {
    let found = addresses(Reply::Addresses(1, 0)).await.unwrap();
    assert_eq!(found.holds_for, Some(Duration::ZERO));
}

#[tokio::test]
async fn an_answer_that_does_not_fit_is_asked_for_over_tcp() {
    let found = addresses(Reply::Addresses(1_000, 30)).await.unwrap();
    assert_eq!(found.instances.len(), 1_000);
}

#[tokio::test]
async fn an_alias_is_followed() {
    let found = addresses(Reply::Alias("other.example.", 1, 30)).await.unwrap();
    assert_eq!(at(&found), ["10.0.0.0:8080"]);
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_unknown() {
    for reply in [Reply::NoSuchName, Reply::Nothing] {
        let error = addresses(reply).await.unwrap_err();
        assert!(matches!(error, DiscoverError::Unknown(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_server_that_fails_hangs_or_answers_something_else_is_an_error() {
    for reply in [Reply::ServerFailure, Reply::Silence, Reply::WrongId, Reply::Garbage] {
        let error = addresses(reply.clone()).await.unwrap_err();
        assert!(
            matches!(error, DiscoverError::Unavailable { .. }),
            "{reply:?}: {error:?}"
        );
    }
}

#[tokio::test]
async fn services_have_ports_of_their_own_and_the_best_priority_counts() {
    let server = Server::start(|name| match name {
        SERVICES => Reply::Services(vec![
            (1, 10, 8081, "a.example."),
            (1, 5, 8082, "b.example."),
            (2, 0, 8083, "c.example."),
        ]),
        "a.example." => Reply::Addresses(1, 30),
        // Against RFC 2782, and yet found.
        "b.example." => Reply::Alias("a.example.", 1, 20),
        _ => Reply::NoSuchName,
    });
    let found = dns(&server.await, Records::Services)
        .find(SERVICES, None)
        .await
        .unwrap();
    assert_eq!(at(&found), ["10.0.0.0:8081", "10.0.0.0:8082"]);
    let first = found.instances.iter().find(|instance| instance.port == 8081).unwrap();
    assert_eq!(
        (first.metadata["target"].as_str(), first.metadata["weight"].as_str()),
        ("a.example", "10")
    );
    assert_eq!(
        found.holds_for,
        Some(Duration::from_secs(20)),
        "as long as its shortest part"
    );
}

#[tokio::test]
async fn a_target_without_an_address_hides_no_other() {
    let server = Server::start(|name| match name {
        SERVICES => Reply::Services(vec![(1, 1, 1, "gone.example."), (1, 1, 2, "a.example.")]),
        "a.example." => Reply::Addresses(1, 30),
        _ => Reply::NoSuchName,
    });
    let found = dns(&server.await, Records::Services)
        .find(SERVICES, None)
        .await
        .unwrap();
    assert_eq!(at(&found), ["10.0.0.0:2"]);
}

#[tokio::test]
async fn the_root_as_a_target_is_no_service() {
    let server = Server::start(|_| Reply::Services(vec![(0, 0, 0, ".")]));
    let found = dns(&server.await, Records::Services)
        .find(SERVICES, None)
        .await
        .unwrap();
    assert!(found.instances.is_empty());
}

#[tokio::test]
async fn a_name_that_vanishes_leaves_its_last_instances() {
    let server = Server::start(|_| Reply::Addresses(1, 0)).await;
    let settings = DiscoverySettings {
        refresh_at_least: Duration::from_millis(1),
        ..DiscoverySettings::default()
    };
    let registry = Arc::new(dns(&server, Records::Addresses(80)));
    let instances = Instances::of(NAME, registry, settings, Environment::system());
    assert_eq!(
        instances.pick().await.unwrap().instance.host,
        Ipv4Addr::new(10, 0, 0, 0).to_string()
    );
    server.answers(|_| Reply::NoSuchName);
    while !instances.health().is_last_known {
        tokio::task::yield_now().await;
    }
    instances.pick().await.unwrap();
}
