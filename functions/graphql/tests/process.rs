//! The graph as a process, before subgraphs that are played on ports of this machine.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::post;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use onecommit_environment::Environment;
use onecommit_tokens::{Scopes, SigningKey, TokenSigner};
use serde_json::{Value, json};
use ureq::Agent;

const SECRET: &str = "a-secret-of-at-least-32-bytes-for-tests";
const PRODUCT: &str = "query Product($id: ID!) {
  product(id: $id) {
    id
    name
    description
    imageUrl
    available
    price { minorUnits currency }
  }
}
";

/// A catalog with one cup, and the headers that it got.
#[derive(Clone, Default)]
struct Catalog(Arc<Mutex<Vec<HeaderMap>>>);

impl Catalog {
    /// Its address, and what answers there as long as the test runs.
    fn served(&self) -> String {
        let (sender, receiver) = channel();
        let seen = self.0.clone();
        let answer = move |headers: HeaderMap| {
            seen.lock().unwrap().push(headers);
            let price = json!({"minorUnits": 400, "currency": "EUR"});
            let cup = json!({"__typename": "Product", "id": "CUP", "name": "Cup", "description": "", "imageUrl": null,
                "available": true, "price": price});
            let body = json!({"data": {"product": cup}}).to_string();
            async move { ([("content-type", "application/json")], body) }
        };
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                sender.send(listener.local_addr().unwrap()).unwrap();
                let api = Router::new().route("/graphql", post(answer));
                axum::serve(listener, api).await.unwrap();
            });
        });
        format!("http://{}", receiver.recv().unwrap())
    }
}

struct Process {
    child: Child,
    log: BufReader<ChildStdout>,
}

impl Process {
    fn start(settings: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_graphql"))
            .env_clear()
            .envs(settings.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(child.stdout.take().unwrap());
        Self { child, log }
    }

    /// The address that it says it serves on.
    fn address(&mut self) -> String {
        let mut line = String::new();
        self.log.read_line(&mut line).unwrap();
        let line: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        format!("http://{}", line["address"].as_str().unwrap())
    }

    /// What it says of why it does not start.
    fn refusal(mut self) -> String {
        let mut text = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        assert!(!self.child.wait().unwrap().success());
        text
    }

    fn end(mut self) {
        let id = i32::try_from(self.child.id()).unwrap();
        kill(Pid::from_raw(id), Signal::SIGTERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The settings for this catalog, with the other subgraphs away.
fn settings<'a>(catalog: &'a str, others: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut all = vec![
        ("CATALOG_GRAPH_URL", catalog),
        ("ORDERS_GRAPH_URL", "http://127.0.0.1:1"),
        ("USERS_GRAPH_URL", "http://127.0.0.1:1"),
        ("GRAPHQL_LISTEN", "127.0.0.1:0"),
        ("TOKEN_AUDIENCE", "shop"),
    ];
    all.extend_from_slice(others);
    all
}

const LOCAL: [(&str, &str); 4] = [
    ("STAGE", "local"),
    ("LOCAL_ISSUER_SECRET", SECRET),
    ("QUERIES", "any"),
    ("INTROSPECTION", "on"),
];

struct Site {
    address: String,
    agent: Agent,
}

impl Site {
    fn of(process: &mut Process) -> Self {
        let agent = Agent::config_builder().http_status_as_error(false).build().into();
        Self {
            address: process.address(),
            agent,
        }
    }

    fn get(&self, path: &str) -> ureq::http::Response<ureq::Body> {
        self.agent.get(format!("{}{path}", self.address)).call().unwrap()
    }

    fn ask(&self, request: &Value, token: Option<&str>) -> (u16, Value) {
        let post = self
            .agent
            .post(format!("{}/graphql", self.address))
            .content_type("application/json");
        let post = match token {
            Some(token) => post.header("authorization", format!("Bearer {token}")),
            None => post,
        };
        let mut response = post.send(request.to_string()).unwrap();
        let body = response.body_mut().read_to_string().unwrap();
        (
            response.status().as_u16(),
            serde_json::from_str(&body).unwrap_or_default(),
        )
    }
}

fn token(user: &str) -> String {
    let key = SigningKey::from_secret("local", SECRET.as_bytes()).unwrap();
    let signer = TokenSigner::new(key, "local-users", user, Environment::system());
    signer.token("shop", &Scopes::none()).unwrap().expose().to_owned()
}

#[test]
fn it_starts_and_answers_while_subgraphs_are_down() {
    let catalog = Catalog::default().served();
    let mut process = Process::start(&settings(&catalog, &LOCAL));
    let site = Site::of(&mut process);
    assert_eq!(site.get("/health/ready").status(), 200);
    let (status, answer) = site.ask(&json!({"query": "{ product(id: \"CUP\") { name } me { id } }"}), None);
    assert_eq!(
        (status, &answer["data"]),
        (200, &json!({"product": {"name": "Cup"}, "me": null}))
    );
    let error = &answer["errors"][0];
    assert_eq!(
        (&error["path"], &error["extensions"]["code"]),
        (&json!(["me"]), &json!("SUBREQUEST_FAILED"))
    );
    process.end();
}

#[test]
fn a_checked_viewer_token_is_forwarded() {
    let catalog = Catalog::default();
    let address = catalog.served();
    let mut process = Process::start(&settings(&address, &LOCAL));
    let site = Site::of(&mut process);
    let query = json!({"query": "{ product(id: \"CUP\") { name } }"});
    let token = token("ada");
    assert_eq!(site.ask(&query, Some(&token)).0, 200);
    assert_eq!(site.ask(&query, None).0, 200);
    assert_eq!(site.ask(&query, Some("forged")).0, 401);
    let seen = catalog.0.lock().unwrap();
    let tokens: Vec<_> = seen
        .iter()
        .map(|headers| headers.get("x-viewer-token").map(|value| value.to_str().unwrap()))
        .collect();
    assert_eq!(
        tokens,
        [Some(&*token), None],
        "a token that is not valid reaches no subgraph"
    );
    for name in ["x-correlation-id", "x-request-deadline", "idempotency-key"] {
        assert!(seen.iter().all(|headers| headers.contains_key(name)), "{name}");
    }
    assert!(seen.iter().all(|headers| !headers.contains_key("authorization")));
}

#[test]
fn on_another_stage_queries_are_trusted_and_there_is_no_page() {
    let catalog = Catalog::default().served();
    let mut process = Process::start(&settings(&catalog, &[("STAGE", "prod")]));
    let site = Site::of(&mut process);
    let code = |answer: &Value| answer["errors"][0]["extensions"]["code"].clone();
    let (_, answer) = site.ask(&json!({"query": "{ product(id: \"CUP\") { name } }"}), None);
    assert_eq!(code(&answer), "UNKNOWN_DOCUMENT");
    let (_, answer) = site.ask(&json!({"query": "{ __schema { queryType { name } } }"}), None);
    assert_eq!(code(&answer), "UNKNOWN_DOCUMENT");
    let (_, answer) = site.ask(&json!({"query": PRODUCT, "variables": {"id": "CUP"}}), None);
    assert_eq!(
        answer["data"]["product"]["price"],
        json!({"minorUnits": 400, "currency": "EUR"})
    );
    assert_eq!(site.get("/graphiql").status(), 404);
}

#[test]
fn refusals_are_graphql_and_unknown_paths_are_problems() {
    let mut process = Process::start(&settings("http://127.0.0.1:1", &LOCAL));
    let site = Site::of(&mut process);
    let post = site
        .agent
        .post(format!("{}/graphql", site.address))
        .content_type("application/json");
    let post = post.header("accept", "application/graphql-response+json");
    let mut refused = post.send(json!({"query": "{ nothing }"}).to_string()).unwrap();
    let kind = refused.headers()["content-type"].to_str().unwrap().to_owned();
    assert_eq!(
        (refused.status().as_u16(), &*kind),
        (400, "application/graphql-response+json; charset=utf-8")
    );
    let body: Value = serde_json::from_str(&refused.body_mut().read_to_string().unwrap()).unwrap();
    assert_eq!(body["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    let unknown = site.get("/nothing");
    assert_eq!(
        (unknown.status().as_u16(), &unknown.headers()["content-type"]),
        (404, &"application/problem+json".parse().unwrap())
    );
}

#[test]
fn the_page_for_queries_is_on_the_stage_local_and_needs_nothing_from_elsewhere() {
    let mut process = Process::start(&settings("http://127.0.0.1:1", &LOCAL));
    let site = Site::of(&mut process);
    for (path, kind) in [
        ("/graphiql", "text/html; charset=utf-8"),
        ("/graphiql/graphiql.css", "text/css; charset=utf-8"),
        ("/graphiql/graphiql.js", "text/javascript; charset=utf-8"),
    ] {
        let mut response = site.get(path);
        assert_eq!(response.headers()["content-type"], kind);
        let policy = response.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .to_owned();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{policy}");
        let text = response.body_mut().read_to_string().unwrap();
        assert!(!text.contains("://"), "{path} names another site");
    }
    let (_, answer) = site.ask(&json!({"query": "{ __schema { queryType { name } } }"}), None);
    assert_eq!(answer["data"]["__schema"]["queryType"]["name"], "Query");
}

#[test]
fn a_local_issuer_prevents_the_start_on_other_stages() {
    let secret = [("STAGE", "prod"), ("LOCAL_ISSUER_SECRET", SECRET)];
    let refusal = Process::start(&settings("http://127.0.0.1:1", &secret)).refusal();
    assert!(
        refusal.contains("STAGE=local") && !refusal.contains(SECRET),
        "{refusal}"
    );
    let issuer = [("SESSION_ISSUER", "https://login.example")];
    let refusal = Process::start(&settings("http://127.0.0.1:1", &issuer)).refusal();
    assert!(refusal.contains("SESSION_JWKS_URL"), "{refusal}");
}
