//! The part of Consul's HTTP API that finds services: registration with an agent, health, and blocking queries
//! (<https://developer.hashicorp.com/consul/api-docs>).

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::Outside;

/// The longest that a query waits, as Consul has it.
const WAIT_MAX: Duration = Duration::from_secs(600);
const WAIT: Duration = Duration::from_secs(300);

/// Services by their id, and the index of the last change.
pub(crate) struct Consul {
    services: BTreeMap<String, Service>,
    index: watch::Sender<u64>,
}

struct Service {
    name: String,
    entry: Value,
    status: &'static str,
}

impl Default for Consul {
    fn default() -> Self {
        Self {
            services: BTreeMap::new(),
            index: watch::Sender::new(1),
        }
    }
}

impl Consul {
    fn changed(&mut self) {
        self.index.send_modify(|index| *index += 1);
    }

    fn entries(&self, name: &str, only_passing: bool) -> Vec<Value> {
        let named = self.services.values().filter(|service| service.name == name);
        let shown = named.filter(|service| !only_passing || service.status == "passing");
        shown
            .map(|service| {
                json!({
                    "Node": {"ID": "n-1", "Node": "node-1", "Address": "10.0.0.9", "Datacenter": "dc1"},
                    "Service": service.entry,
                    "Checks": [
                        {"Node": "node-1", "CheckID": "serfHealth", "Name": "Serf", "Status": "passing", "ServiceID": ""},
                        {"Node": "node-1", "CheckID": "service", "Name": "Service", "Status": service.status,
                         "ServiceID": service.entry["ID"], "ServiceName": name},
                    ],
                })
            })
            .collect()
    }
}

pub(crate) fn router() -> Router<Outside> {
    Router::new()
        .route("/v1/agent/service/register", put(register))
        .route("/v1/agent/service/deregister/{id}", put(deregister))
        .route("/v1/agent/check/{status}/{id}", put(check))
        .route("/v1/health/service/{name}", get(health))
}

/// The body is JSON whatever its content type says, and its members have names in any case: clients rely on both.
async fn register(State(outside): State<Outside>, body: String) -> StatusCode {
    let asked: BTreeMap<String, Value> = serde_json::from_str(&body).unwrap_or_default();
    let asked = |name: &str| {
        asked
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.clone())
    };
    let text = |name: &str| asked(name).and_then(|value| value.as_str().map(str::to_owned));
    let Some(name) = text("Name") else {
        return StatusCode::BAD_REQUEST;
    };
    let id = text("ID").unwrap_or_else(|| name.clone());
    let entry = json!({
        "ID": id, "Service": name, "Tags": asked("Tags"), "Meta": asked("Meta"),
        "Port": asked("Port").and_then(|port| port.as_u64()).unwrap_or(0),
        // Without an address of its own, a service is at its node's.
        "Address": text("Address").unwrap_or_default(),
    });
    let service = Service {
        name,
        entry,
        status: "passing",
    };
    let mut state = outside.state();
    state.consul.services.insert(id, service);
    state.consul.changed();
    StatusCode::OK
}

async fn deregister(State(outside): State<Outside>, Path(id): Path<String>) -> StatusCode {
    let mut state = outside.state();
    state.consul.services.remove(&id);
    state.consul.changed();
    StatusCode::OK
}

async fn check(State(outside): State<Outside>, Path((status, id)): Path<(String, String)>) -> StatusCode {
    let status = match status.as_str() {
        "pass" => "passing",
        "warn" => "warning",
        "fail" => "critical",
        _ => return StatusCode::NOT_FOUND,
    };
    let mut state = outside.state();
    let id = id.strip_prefix("service:").unwrap_or(&id);
    let Some(service) = state.consul.services.get_mut(id) else {
        return StatusCode::NOT_FOUND;
    };
    service.status = status;
    state.consul.changed();
    StatusCode::OK
}

/// A query with the index that its caller knows waits for a change of it.
async fn health(
    State(outside): State<Outside>,
    Path(name): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    let known = query
        .get("index")
        .and_then(|index| index.parse::<u64>().ok())
        .filter(|index| *index > 0);
    if let Some(known) = known {
        let mut index = outside.state().consul.index.subscribe();
        let wait = query
            .get("wait")
            .and_then(|wait| duration(wait))
            .unwrap_or(WAIT)
            .min(WAIT_MAX);
        let _ = tokio::time::timeout(wait, index.wait_for(|index| *index > known)).await;
    }
    let state = outside.state();
    let index = state.consul.index.borrow().to_string();
    let is_set = |name: &str| {
        query
            .get(name)
            .is_some_and(|value| ["", "1", "true"].contains(&value.as_str()))
    };
    let entries = state.consul.entries(&name, is_set("passing"));
    let headers = [
        ("x-consul-index", index.as_str()),
        ("x-consul-knownleader", "true"),
        ("x-consul-lastcontact", "0"),
    ];
    (headers, Json(entries)).into_response()
}

/// `10s`, `5m` or `500ms`, as Go writes them.
fn duration(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: u64 = digits.parse().ok()?;
    match &text[digits.len()..] {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_secs(number * 60)),
        _ => None,
    }
}
