//! A subgraph as a process, whose tables are out of reach.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use ureq::Agent;

struct Process {
    child: Child,
    log: BufReader<ChildStdout>,
}

impl Process {
    fn start(settings: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_subgraph"))
            .env_clear()
            .envs([
                ("AWS_REGION", "eu-central-1"),
                ("AWS_ACCESS_KEY_ID", "test"),
                ("AWS_SECRET_ACCESS_KEY", "test"),
                ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
                ("TOKEN_AUDIENCE", "shop"),
                ("SUBGRAPH_LISTEN", "127.0.0.1:0"),
            ])
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
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ask(site: &str, query: &str) -> Value {
    let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
    let post = agent.post(format!("{site}/graphql")).content_type("application/json");
    let mut response = post.send(json!({"query": query}).to_string()).unwrap();
    let body = response.body_mut().read_to_string().unwrap();
    serde_json::from_str(&body).unwrap_or_else(|_| panic!("{body}"))
}

const TABLES: [(&str, &str); 4] = [
    ("CONTEXT_TABLE_NAME", "context"),
    ("EVENTS_TABLE_NAME", "events"),
    ("VIEWS_TABLE_NAME", "views"),
    ("SUBJECT_KEYS_TABLE_NAME", "keys"),
];

#[test]
fn a_process_that_is_killed_after_its_answers_has_lost_no_span() {
    const REQUESTS: usize = 20;
    let mut process = Process::start(&[&TABLES[..], &[("SUBGRAPH", "catalog"), ("TRACE_RATIO", "1")]].concat());
    let site = process.address();
    for _ in 0..REQUESTS {
        ask(&site, "{ _service { sdl } }");
    }
    process.child.kill().unwrap();
    process.child.wait().unwrap();
    let mut text = String::new();
    process.log.read_to_string(&mut text).unwrap();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let spans = lines.filter_map(|line| line["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().cloned());
    let requests = spans.flatten().filter(|span| span["name"] == "POST /graphql");
    assert_eq!(requests.count(), REQUESTS, "{text}");
}

#[test]
fn each_subgraph_starts_without_its_tables_and_ends_when_it_is_asked_to() {
    for (name, field) in [
        ("catalog", "product("),
        ("orders", "ordersByProduct("),
        ("users", "me: User"),
    ] {
        let mut process = Process::start(&[&TABLES[..], &[("SUBGRAPH", name)]].concat());
        let site = process.address();
        let schema = ask(&site, "{ _service { sdl } }");
        assert!(
            schema["data"]["_service"]["sdl"].as_str().unwrap().contains(field),
            "{name}"
        );
        if name == "catalog" {
            let answer = ask(&site, "{ product(id: \"CUP\") { name } }");
            assert_eq!(answer["data"], json!({"product": null}));
            assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAVAILABLE");
            assert!(!answer.to_string().contains("127.0.0.1"), "{answer}");
        }
        let id = i32::try_from(process.child.id()).unwrap();
        kill(Pid::from_raw(id), Signal::SIGTERM).unwrap();
        assert!(process.child.wait().unwrap().success());
    }
}

#[test]
fn a_name_that_is_no_subgraphs_is_refused_at_the_start() {
    let mut process = Process::start(&[("SUBGRAPH", "payments")]);
    let mut text = String::new();
    process.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(!process.child.wait().unwrap().success());
    assert!(text.contains("one of catalog, orders, users"), "{text}");
}
