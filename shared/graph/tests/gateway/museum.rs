use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use onecommit_client::{Address, CacheSettings, Client, ClientSettings, RetryPolicy};
use onecommit_environment::Environment;
use onecommit_graph::{Caller, Clients, Gateway, GraphAnswer, GraphRequest, GraphSettings, Operations, Supergraph};
use serde_json::{Value, json};

use crate::subgraphs;

pub(crate) const SUPERGRAPH: &str = include_str!("../museum/supergraph.graphql");

/// What a subgraph does instead of its work.
#[derive(Clone)]
pub(crate) enum Instead {
    Status(u16),
    Html,
    Body(String),
    Hang,
}

/// A request that a subgraph got.
pub(crate) struct Asked {
    pub(crate) subgraph: &'static str,
    pub(crate) body: Value,
    pub(crate) headers: HashMap<String, String>,
}

#[derive(Clone)]
struct Door {
    name: &'static str,
    instead: Arc<Mutex<HashMap<&'static str, Instead>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

pub(crate) struct Museum {
    pub(crate) gateway: Arc<Gateway>,
    instead: Arc<Mutex<HashMap<&'static str, Instead>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Museum {
    pub(crate) fn new() -> Self {
        Self::with(GraphSettings::default().introspection(true))
    }

    pub(crate) fn with(settings: GraphSettings) -> Self {
        let environment = Environment::system();
        let (instead, asked) = (Arc::default(), Arc::default());
        let mut clients = Clients::new(environment.clone());
        for name in subgraphs::NAMES {
            let door = Door {
                name,
                instead: Arc::clone(&instead),
                asked: Arc::clone(&asked),
            };
            let router = subgraphs::router(name).layer(from_fn_with_state(door, pass));
            clients = clients.with(name, client(name, router, &environment), "/graphql");
        }
        let supergraph = Supergraph::parse(SUPERGRAPH).unwrap();
        let gateway = Gateway::new(supergraph, Arc::new(clients), settings, environment).unwrap();
        Self {
            gateway: Arc::new(gateway),
            instead,
            asked,
        }
    }

    pub(crate) fn set(&self, subgraph: &'static str, instead: Instead) {
        self.instead.lock().unwrap().insert(subgraph, instead);
    }

    pub(crate) fn heal(&self) {
        self.instead.lock().unwrap().clear();
    }

    /// What the subgraphs were asked since the last time.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    pub(crate) async fn answer(&self, request: Value) -> Value {
        let request: GraphRequest = serde_json::from_value(request).unwrap();
        let answer = self.gateway.answer(request, Operations::All, &Caller::default()).await;
        written(answer)
    }

    pub(crate) async fn query(&self, query: &str) -> Value {
        self.answer(json!({"query": query})).await
    }
}

pub(crate) fn written(answer: GraphAnswer) -> Value {
    match answer {
        GraphAnswer::Refused(errors) => json!({"errors": errors}),
        GraphAnswer::Answered { data, errors } if errors.is_empty() => json!({"data": data}),
        GraphAnswer::Answered { data, errors } => json!({"data": data, "errors": errors}),
    }
}

/// The codes and places of an answer's errors.
pub(crate) fn errors(answer: &Value) -> Vec<(String, String)> {
    let errors = answer["errors"].as_array().cloned().unwrap_or_default();
    let errors = errors.iter().map(|error| {
        let path = error.get("path").map(ToString::to_string).unwrap_or_default();
        (error["extensions"]["code"].as_str().unwrap().to_owned(), path)
    });
    errors.collect()
}

fn client(name: &str, router: Router, environment: &Environment) -> Client {
    let address = Address::fixed(name, "http://museum.test").unwrap();
    let settings = ClientSettings {
        retries: RetryPolicy::new(1, 1, 1),
        cache: None::<CacheSettings>,
        ..ClientSettings::default()
    };
    Client::new(router, address, settings, environment.clone())
}

async fn pass(State(door): State<Door>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let headers = parts.headers.iter();
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    door.asked.lock().unwrap().push(Asked {
        subgraph: door.name,
        body: serde_json::from_slice(&body).unwrap(),
        headers: headers.collect(),
    });
    let instead = door.instead.lock().unwrap().get(door.name).cloned();
    match instead {
        None => next.run(Request::from_parts(parts, Body::from(body))).await,
        Some(Instead::Status(status)) => StatusCode::from_u16(status).unwrap().into_response(),
        Some(Instead::Html) => ([(CONTENT_TYPE, "text/html")], "<h1>It works</h1>").into_response(),
        Some(Instead::Body(body)) => ([(CONTENT_TYPE, "application/json")], body).into_response(),
        Some(Instead::Hang) => std::future::pending().await,
    }
}
