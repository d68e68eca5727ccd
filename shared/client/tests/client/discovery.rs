use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::extract::Request;
use axum::response::IntoResponse;
use http::StatusCode;
use onecommit_client::{
    Address, Balance, Client, ClientSettings, Discover, DiscoverError, DiscoverySettings, FixedInstances, Found,
    Health, Instance, Instances, RetryPolicy, Trouble,
};
use onecommit_environment::Environment;
use serde_json::Value;

use crate::kit::environment;

/// A registry whose answer a test changes.
#[derive(Clone, Default)]
struct Registry {
    answer: Arc<Mutex<Option<Vec<Instance>>>>,
    asked: Arc<AtomicUsize>,
    holds_for: Option<Duration>,
}

impl Registry {
    fn of(instances: Vec<Instance>) -> Self {
        let registry = Self::default();
        registry.says(Some(instances));
        registry
    }

    /// Nothing: it is down.
    fn says(&self, answer: Option<Vec<Instance>>) {
        *self.answer.lock().unwrap() = answer;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Discover for Registry {
    async fn find(&self, service: &str, _known: Option<u64>) -> Result<Found, DiscoverError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let answer = self.answer.lock().unwrap().clone();
        let instances = answer.ok_or_else(|| DiscoverError::Unavailable {
            service: service.to_owned(),
            cause: "down".into(),
        })?;
        Ok(Found {
            holds_for: self.holds_for,
            ..Found::of(instances)
        })
    }
}

fn four(environment: &Environment) -> Vec<Instance> {
    let now = environment.clock().now();
    (1..=4)
        .map(|number| Instance::at(format!("10.0.0.{number}"), 80, now))
        .collect()
}

fn instances(discover: impl Discover + 'static, settings: DiscoverySettings, environment: &Environment) -> Instances {
    Instances::of("prices", Arc::new(discover), settings, environment.clone())
}

async fn picks(instances: &Instances, count: usize) -> BTreeMap<String, usize> {
    let mut picks = BTreeMap::new();
    for _ in 0..count {
        *picks
            .entry(instances.pick().await.unwrap().instance.host.clone())
            .or_default() += 1;
    }
    picks
}

async fn fail(instances: &Instances, host: &str, times: usize) {
    let mut left = times;
    for _ in 0..10_000 {
        if left == 0 {
            return;
        }
        let picked = instances.pick().await.unwrap();
        let has_failed = picked.instance.host == host;
        left -= usize::from(has_failed);
        instances.note(&picked, has_failed);
    }
    panic!("{host} was not called any more");
}

#[tokio::test(start_paused = true)]
async fn instances_are_called_in_turn() {
    let environment = environment();
    let instances = instances(
        FixedInstances::new(four(&environment)),
        DiscoverySettings::default(),
        &environment,
    );
    assert!(picks(&instances, 100).await.values().all(|count| *count == 25));
}

#[tokio::test(start_paused = true)]
async fn of_two_the_one_with_fewer_calls_under_way_is_called() {
    let environment = environment();
    let settings = DiscoverySettings {
        balance: Balance::LeastLoadedOfTwo,
        ..DiscoverySettings::default()
    };
    let instances = instances(FixedInstances::new(four(&environment)), settings, &environment);
    // One that never answers holds its calls.
    let mut held = Vec::new();
    for _ in 0..400 {
        let picked = instances.pick().await.unwrap();
        if picked.instance.host == "10.0.0.1" {
            held.push(picked);
        }
    }
    assert!(held.len() < 10, "{} of 400 calls went to the slow one", held.len());
}

#[tokio::test(start_paused = true)]
async fn instances_in_the_callers_zone_come_first() {
    let environment = environment();
    let mut four = four(&environment);
    four[2].zone = Some("a".into());
    let settings = DiscoverySettings {
        zone: Some("a".into()),
        ..DiscoverySettings::default()
    };
    let registry = Registry::of(four.clone());
    let instances = instances(registry.clone(), settings, &environment);
    assert_eq!(picks(&instances, 8).await.len(), 1);
    four[2].health = Health::Unhealthy;
    registry.says(Some(four));
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!(
        picks(&instances, 9).await.len(),
        3,
        "the others, once none of its zone can be called"
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_healthy_instance_the_error_names_the_service() {
    let environment = environment();
    let mut unhealthy = four(&environment);
    unhealthy
        .iter_mut()
        .for_each(|instance| instance.health = Health::Unhealthy);
    for registry in [Registry::default(), Registry::of(Vec::new()), Registry::of(unhealthy)] {
        let instances = instances(registry, DiscoverySettings::default(), &environment);
        let error = instances.pick().await.unwrap_err();
        assert_eq!(error.to_string(), "No healthy instances for prices");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_registry_known_instances_serve_for_a_while() {
    for outage in [None, Some(Vec::new())] {
        let environment = environment();
        let registry = Registry::of(four(&environment));
        let instances = instances(registry.clone(), DiscoverySettings::default(), &environment);
        assert_eq!(picks(&instances, 4).await.len(), 4);
        registry.says(outage);
        tokio::time::sleep(Duration::from_secs(1_800)).await;
        assert_eq!(picks(&instances, 4).await.len(), 4);
        let health = instances.health();
        assert!(health.is_last_known && health.usable == 4, "{health:?}");
        tokio::time::sleep(Duration::from_secs(2_000)).await;
        assert!(instances.pick().await.is_err());
        registry.says(Some(four(&environment)));
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(picks(&instances, 4).await.len(), 4);
        assert!(!instances.health().is_last_known);
    }
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_hangs_holds_nobody_up() {
    struct Hanging;
    #[async_trait]
    impl Discover for Hanging {
        async fn find(&self, _service: &str, _known: Option<u64>) -> Result<Found, DiscoverError> {
            std::future::pending().await
        }
    }
    let environment = environment();
    let instances = instances(Hanging, DiscoverySettings::default(), &environment);
    let started = tokio::time::Instant::now();
    assert!(instances.pick().await.is_err());
    assert!(started.elapsed() <= Duration::from_secs(5));
    assert!(instances.pick().await.is_err());
    assert!(started.elapsed() <= Duration::from_secs(5), "only the first call waits");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_holds_for_no_time_is_asked_for_once_a_second() {
    let environment = environment();
    let registry = Registry {
        holds_for: Some(Duration::ZERO),
        ..Registry::of(four(&environment))
    };
    let instances = instances(registry.clone(), DiscoverySettings::default(), &environment);
    instances.pick().await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!((55..=61).contains(&registry.asked()), "{}", registry.asked());
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_fails_is_asked_less_often() {
    let environment = environment();
    let registry = Registry::default();
    let instances = instances(registry.clone(), DiscoverySettings::default(), &environment);
    let _ = instances.pick().await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert!(registry.asked() < 100, "{}", registry.asked());
}

#[tokio::test(start_paused = true)]
async fn at_most_a_thousand_instances_are_kept() {
    let environment = environment();
    let now = environment.clock().now();
    let many = (0..5_000)
        .map(|number| Instance::at(format!("10.1.{}.{}", number / 250, number % 250), 80, now))
        .collect();
    let instances = instances(Registry::of(many), DiscoverySettings::default(), &environment);
    assert_eq!(picks(&instances, 2_000).await.len(), 1_000);
}

#[tokio::test(start_paused = true)]
async fn without_calls_the_registry_is_not_asked() {
    let environment = environment();
    let registry = Registry::of(four(&environment));
    let instances = instances(registry.clone(), DiscoverySettings::default(), &environment);
    instances.pick().await.unwrap();
    drop(instances);
    let asked = registry.asked();
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(registry.asked(), asked);
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_fails_five_times_in_a_row_is_left_out_each_time_for_longer() {
    let environment = environment();
    let instances = instances(
        FixedInstances::new(four(&environment)),
        DiscoverySettings::default(),
        &environment,
    );
    fail(&instances, "10.0.0.1", 4).await;
    assert_eq!(picks(&instances, 40).await.len(), 4);
    fail(&instances, "10.0.0.1", 1).await;
    assert_eq!(instances.health().ejected, 1);
    tokio::time::sleep(Duration::from_secs(29)).await;
    assert_eq!(picks(&instances, 40).await.len(), 3);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(picks(&instances, 40).await.len(), 4);
    fail(&instances, "10.0.0.1", 5).await;
    tokio::time::sleep(Duration::from_secs(59)).await;
    assert_eq!(picks(&instances, 40).await.len(), 3);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(picks(&instances, 40).await.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn never_more_than_half_are_left_out_and_never_the_last() {
    let environment = environment();
    let all = four(&environment);
    let of_four = instances(
        FixedInstances::new(all.clone()),
        DiscoverySettings::default(),
        &environment,
    );
    for _ in 0..1_000 {
        let picked = of_four.pick().await.unwrap();
        of_four.note(&picked, true);
    }
    assert_eq!(of_four.health().ejected, 2);
    let alone = instances(
        FixedInstances::new(all[..1].to_vec()),
        DiscoverySettings::default(),
        &environment,
    );
    for _ in 0..100 {
        let picked = alone.pick().await.unwrap();
        alone.note(&picked, true);
    }
    assert_eq!((alone.health().ejected, alone.health().usable), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn an_instance_whose_success_rate_is_far_below_the_others_is_left_out() {
    let environment = environment();
    let instances = instances(
        FixedInstances::new(four(&environment)),
        DiscoverySettings::default(),
        &environment,
    );
    // Every second call to one fails: never five in a row.
    let mut number = 0;
    for round in 0..2 {
        for _ in 0..200 {
            let picked = instances.pick().await.unwrap();
            let is_bad = picked.instance.host == "10.0.0.3";
            number += usize::from(is_bad);
            instances.note(&picked, is_bad && number % 2 == 0);
        }
        assert_eq!(instances.health().ejected, round);
        tokio::time::sleep(Duration::from_secs(11)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_instance_keeps_its_record_when_the_registry_answers_again() {
    let environment = environment();
    let registry = Registry::of(four(&environment));
    let instances = instances(registry, DiscoverySettings::default(), &environment);
    fail(&instances, "10.0.0.1", 5).await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(instances.health().ejected, 1);
}

fn service_at_instances() -> Router {
    Router::new().fallback(|request: Request| async move {
        match request.uri().host() {
            Some("10.0.0.1") => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            Some(host) => format!("{host:?}").into_response(),
            None => StatusCode::BAD_REQUEST.into_response(),
        }
    })
}

#[tokio::test(start_paused = true)]
async fn each_attempt_goes_to_another_instance_and_a_failing_one_is_left_out() {
    let environment = environment();
    let found = instances(
        FixedInstances::new(four(&environment)),
        DiscoverySettings::default(),
        &environment,
    );
    let settings = ClientSettings {
        cache: None,
        retries: RetryPolicy::new(3, 0, 0),
        ..ClientSettings::default()
    };
    let router = service_at_instances().layer(axum::middleware::map_response(
        |mut response: axum::response::Response| async {
            response
                .headers_mut()
                .insert("content-type", "application/json".parse().unwrap());
            response
        },
    ));
    let client = Client::new(router, Address::discovered(found.clone()), settings, environment);
    for _ in 0..40 {
        client.get::<String>("/x").await.unwrap();
    }
    assert_eq!(found.health().ejected, 1);
}

#[tokio::test(start_paused = true)]
async fn a_client_without_an_instance_says_so() {
    let environment = environment();
    let found = instances(
        FixedInstances::new(Vec::new()),
        DiscoverySettings::default(),
        &environment,
    );
    let client = Client::new(
        Router::new(),
        Address::discovered(found),
        ClientSettings::default(),
        environment,
    );
    let error = client.get::<Value>("/x").await.unwrap_err();
    assert!(matches!(error.trouble(), Trouble::NoInstance(_)) && error.is_transient());
    assert!(error.to_string().contains("No healthy instances for prices"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_hangs_is_left_out() {
    let environment = environment();
    let found = instances(
        FixedInstances::new(four(&environment)),
        DiscoverySettings::default(),
        &environment,
    );
    let router = Router::new().fallback(|request: Request| async move {
        if request.uri().host() == Some("10.0.0.1") {
            std::future::pending::<()>().await;
        }
        ([("content-type", "application/json")], "1")
    });
    for attempt_within in [None, Some(Duration::from_secs(1))] {
        let settings = ClientSettings {
            cache: None,
            attempt_within,
            ..ClientSettings::default()
        };
        let client = Client::new(
            router.clone(),
            Address::discovered(found.clone()),
            settings,
            environment.clone(),
        );
        for _ in 0..24 {
            let _ = client.get::<u32>("/x").await;
        }
        assert_eq!(found.health().ejected, 1, "{attempt_within:?}");
        tokio::time::sleep(Duration::from_secs(31)).await;
    }
}
