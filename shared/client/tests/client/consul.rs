use std::sync::Arc;
use std::time::Duration;

use onecommit_client::{
    Address, Client, ClientSettings, Consul, Discover, DiscoverySettings, Health, Instances, RetryPolicy,
};
use onecommit_environment::Environment;

use crate::kit::{Service, environment, json};

const TWO: &str = r#"[
  {"Node": {"Node": "n1", "Address": "10.0.0.1", "Datacenter": "dc1"},
   "Service": {"ID": "prices-1", "Service": "prices", "Address": "", "Port": 8080, "Tags": null,
               "Meta": {"zone": "a", "version": "7"}},
   "Checks": [{"CheckID": "serfHealth", "Status": "passing"}, {"CheckID": "service:prices-1", "Status": "warning"}]},
  {"Node": {"Node": "n2", "Address": "10.0.0.2"},
   "Service": {"ID": "prices-2", "Service": "prices", "Address": "fd00::2", "Port": 8080, "Meta": null},
   "Checks": [{"Status": "critical"}]}
]"#;

fn registry(service: &Service, environment: &Environment) -> Consul {
    let settings = ClientSettings {
        cache: None,
        retries: RetryPolicy::new(1, 0, 0),
        ..ClientSettings::default()
    };
    let address = Address::fixed("consul", "http://consul.example:8500").unwrap();
    Consul::new(
        Client::new(service.router(), address, settings, environment.clone()),
        environment.clone(),
    )
}

#[tokio::test(start_paused = true)]
async fn entries_become_instances() {
    let (service, environment) = (
        Service::new().answers(|| json(200, &[("x-consul-index", "42")], TWO)),
        environment(),
    );
    let found = registry(&service, &environment).find("prices", None).await.unwrap();
    assert_eq!(found.version, Some(42));
    let [one, two] = &found.instances[..] else {
        panic!("{found:?}")
    };
    assert_eq!(
        (one.id.as_str(), one.authority().as_str()),
        ("prices-1", "10.0.0.1:8080"),
        "at its node's address"
    );
    assert_eq!((one.health, one.zone.as_deref()), (Health::Healthy, Some("a")));
    assert_eq!(one.metadata["version"], "7");
    assert_eq!(one.last_checked, environment.clock().now());
    assert_eq!(
        (two.authority().as_str(), two.health),
        ("[fd00::2]:8080", Health::Unhealthy)
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_that_consul_waits_for_is_asked_with_the_index() {
    let (service, environment) = (Service::new().json("[]"), environment());
    let registry = registry(&service, &environment);
    registry.find("a/b c", None).await.unwrap();
    registry.find("prices", Some(42)).await.unwrap();
    let asked: Vec<_> = service.asked().into_iter().map(|asked| asked.uri).collect();
    assert_eq!(
        asked,
        [
            "http://consul.example:8500/v1/health/service/a%2Fb%20c",
            "http://consul.example:8500/v1/health/service/prices?index=42&wait=30s"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn an_index_that_goes_back_or_is_zero_begins_anew() {
    let environment = environment();
    let service = Service::new();
    let service = ["42", "43", "7", "0", "44"]
        .into_iter()
        .fold(service, |service, index| {
            service.answers(move || json(200, &[("x-consul-index", index)], TWO))
        });
    let registry = registry(&service, &environment);
    let instances = Instances::of("prices", Arc::new(registry), DiscoverySettings::default(), environment);
    instances.pick().await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let asked: Vec<_> = service
        .asked()
        .iter()
        .map(|asked| asked.uri.split("index=").nth(1).map(str::to_owned))
        .collect();
    let index = |index: &str| Some(format!("{index}&wait=30s"));
    assert_eq!(asked[..6], [None, index("42"), index("43"), None, None, index("44")]);
}

#[tokio::test(start_paused = true)]
async fn errors_and_empty_answers_leave_the_last_known() {
    let environment = environment();
    let service = Service::new()
        .json(TWO)
        .status(500)
        .json("[]")
        .answers(|| json(200, &[], "{"));
    let registry = registry(&service, &environment);
    let instances = Instances::of("prices", Arc::new(registry), DiscoverySettings::default(), environment);
    for _ in 0..5 {
        assert_eq!(instances.pick().await.unwrap().instance.id, "prices-1");
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    assert!(instances.health().is_last_known);
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_another_form_names_its_field() {
    let (service, environment) = (Service::new().json(r#"[{"Node": {"Address": "x"}}]"#), environment());
    let error = registry(&service, &environment).find("prices", None).await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("[0].Service: it is missing"), "{cause}");
}
