//! The catalog over gRPC as a process: how it starts, serves and ends.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;

use axum::Router;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use onecommit_client::RootCertificates;
use onecommit_grpc::Http2Transport;
use storefront_catalog_proto::GetProductRequest;
use storefront_catalog_proto::catalog_service_client::CatalogServiceClient;
use tonic::Code;

/// A DynamoDB whose tables are empty.
fn empty_tables() -> String {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let answer = ([("content-type", "application/x-amz-json-1.0")], "{}");
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            sender.send(listener.local_addr().unwrap()).unwrap();
            axum::serve(listener, Router::new().fallback(async move || answer))
                .await
                .unwrap();
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
        let mut child = Command::new(env!("CARGO_BIN_EXE_catalog-grpc"))
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
        while !line.contains("gRPC is served") {
            line.clear();
            assert!(self.log.read_line(&mut line).unwrap() > 0, "it serves");
        }
        let (_, after) = line.split_once("127.0.0.1:").unwrap();
        let port: String = after.chars().take_while(char::is_ascii_digit).collect();
        format!("http://127.0.0.1:{port}")
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

fn settings(tables: &str) -> Vec<(&str, &str)> {
    vec![
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ENDPOINT_URL", tables),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("CONTEXT_TABLE_NAME", "catalog"),
        ("GRPC_LISTEN", "127.0.0.1:0"),
    ]
}

async fn asked(origin: &str) -> Code {
    let transport = Http2Transport::new(RootCertificates::default());
    let mut client = CatalogServiceClient::with_origin(transport, origin.parse().unwrap());
    let request = GetProductRequest {
        sku: "TEAPOT".to_owned(),
    };
    client.get_product(request).await.unwrap_err().code()
}

fn status(url: String) -> u16 {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    agent.get(url).call().unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_serves_until_it_is_asked_to_end() {
    let tables = empty_tables();
    let mut process = Process::start(&settings(&tables));
    let origin = process.address();
    assert_eq!(asked(&origin).await, Code::NotFound);
    for page in ["/health/live", "/health/ready", "/health"] {
        assert_eq!(status(format!("{origin}{page}")), 200, "{page}");
    }
    process.ask_to_end();
    assert!(process.child.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn it_starts_without_its_table_and_says_that_it_is_not_ready() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let tables = format!("http://{closed}");
    let mut process = Process::start(&settings(&tables));
    let origin = process.address();
    assert_eq!(status(format!("{origin}/health/live")), 200);
    assert_eq!(status(format!("{origin}/health/ready")), 503);
    process.ask_to_end();
    assert!(process.child.wait().unwrap().success());
}

#[test]
fn all_invalid_settings_are_reported_at_once() {
    let refusal = Process::start(&[("GRPC_LISTEN", "here"), ("AWS_REGION", "eu-central-1")]).refusal();
    assert!(
        refusal.contains("CONTEXT_TABLE_NAME") && refusal.contains("GRPC_LISTEN"),
        "{refusal}"
    );
    let mut half = settings("http://127.0.0.1:1");
    half.push(("SERVICE_TOKEN_ISSUER", "https://services.internal"));
    let refusal = Process::start(&half).refusal();
    assert!(refusal.contains("SERVICE_TOKEN_JWKS"), "{refusal}");
}
