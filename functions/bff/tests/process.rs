//! The front door as a process: how it starts, serves and ends.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;

use axum::routing::get;
use axum::{Router, response::Html};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

const SECRET: &str = "a-secret-of-at-least-32-bytes-for-tests";

/// The context orders, with one order of ada's.
fn contexts() -> String {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let order = json!({"orderId": "ord_1", "status": "created", "customerId": "ada", "items": [], "version": 1,
                "total": null});
            let answer = ([("content-type", "application/json")], order.to_string());
            let api = Router::new()
                .route("/orders/{id}", get(async move || answer))
                .route("/catalog/categories", get(async || Html("not what is expected")));
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            sender.send(listener.local_addr().unwrap()).unwrap();
            axum::serve(listener, api).await.unwrap();
        });
    });
    format!("http://{}", receiver.recv().unwrap())
}

struct Process {
    child: Child,
    log: BufReader<ChildStdout>,
}

impl Process {
    fn start(settings: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_bff"))
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

    fn ask_to_end(&self) {
        let id = i32::try_from(self.child.id()).unwrap();
        kill(Pid::from_raw(id), Signal::SIGTERM).unwrap();
    }

    /// What it says of why it does not start.
    fn refusal(mut self) -> String {
        let mut text = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        assert!(!self.child.wait().unwrap().success());
        text
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn settings<'a>(contexts: &'a str, stage: &'a str) -> Vec<(&'a str, &'a str)> {
    let names = [
        "CATALOG_API_URL",
        "ORDERS_API_URL",
        "USERS_API_URL",
        "NOTIFICATIONS_API_URL",
        "RECOMMENDATIONS_API_URL",
    ];
    let addresses = names.into_iter().map(|name| (name, contexts));
    let others = [
        ("BFF_LISTEN", "127.0.0.1:0"),
        ("TOKEN_AUDIENCE", "onecommit"),
        ("LOCAL_ISSUER_SECRET", SECRET),
        ("STAGE", stage),
    ];
    addresses.chain(others).collect()
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().into()
}

#[test]
fn a_stream_is_open_until_the_process_is_asked_to_end() {
    let contexts = contexts();
    let mut process = Process::start(&settings(&contexts, "local"));
    let (site, agent) = (process.address(), agent());
    assert_eq!(agent.get(format!("{site}/dashboard")).call().unwrap().status(), 401);
    assert_eq!(agent.get(format!("{site}/")).call().unwrap().status(), 503);

    let sign_in = agent.post(format!("{site}/session")).content_type("application/json");
    let signed_in = sign_in.send(json!({"userId": "ada"}).to_string()).unwrap();
    assert_eq!(signed_in.status(), 201);
    let cookie = signed_in.headers()["set-cookie"]
        .to_str()
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let watched = agent
        .get(format!("{site}/orders/ord_1/updates"))
        .header("cookie", &cookie);
    let mut stream = BufReader::new(watched.call().unwrap().into_body().into_reader());
    let mut line = String::new();
    while !line.starts_with("data:") {
        line.clear();
        assert!(
            stream.read_line(&mut line).unwrap() > 0,
            "an event arrives while the stream is open"
        );
    }
    process.ask_to_end();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).unwrap();
    assert!(!rest.contains("data:"), "{rest}");
    assert!(process.child.wait().unwrap().success());
}

#[test]
fn on_another_stage_nobody_is_signed_in_and_nothing_starts() {
    let refusal = Process::start(&settings("http://127.0.0.1:1", "prod")).refusal();
    assert!(
        refusal.contains("STAGE=local") && !refusal.contains(SECRET),
        "{refusal}"
    );
    let refusal = Process::start(&[("BFF_LISTEN", "127.0.0.1:0")]).refusal();
    assert!(
        refusal.contains("ORDERS_API_URL") && refusal.contains("TOKEN_AUDIENCE"),
        "{refusal}"
    );
}
