//! The front door as a process of its own, before services that a case takes away.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::api::authorized;
use crate::aws::Aws;
use crate::worker::binary;

/// What every service answers: each reads of it what it knows.
const ANSWER: &str = r#"{"displayName":"Ada","recommendations":[],"notifications":[],"orders":[],
    "totals":{"orders":0,"pending":0,"spent":[]}}"#;
/// The secret that the process signs its local sessions with.
const SECRET: &str = "local-stage-only-and-known-to-everybody";
/// A client that sends half of a request must not hold up the others.
const REQUEST_WITHIN: Duration = Duration::from_secs(10);

/// A service that can be taken away: whoever asks then is hung up on.
pub(crate) struct Played {
    address: String,
    is_away: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
}

impl Played {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (is_away, asked) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let (away, count) = (Arc::clone(&is_away), Arc::clone(&asked));
        // It ends with this process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::Relaxed);
                if !away.load(Ordering::Relaxed) {
                    // Who hangs up needs no answer.
                    let _ = answer(stream);
                }
            }
        });
        Self {
            address,
            is_away,
            asked,
        }
    }

    pub(crate) fn take_away(&self) {
        self.is_away.store(true, Ordering::Relaxed);
    }

    pub(crate) fn bring_back(&self) {
        self.is_away.store(false, Ordering::Relaxed);
    }

    /// How many requests reached it, whether they were answered or not.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(REQUEST_WITHIN))?;
    let (mut request, mut part) = (Vec::new(), [0; 4096]);
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut part)? {
            0 => return Ok(()),
            length => request.extend_from_slice(&part[..length]),
        }
    }
    let length = ANSWER.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{ANSWER}"
    )
}

/// A front door that shares its circuits with all others. Dropped, it is killed.
pub(crate) struct FrontDoor {
    child: Child,
    site: String,
    lines: Option<JoinHandle<Vec<Value>>>,
}

impl FrontDoor {
    /// One before these recommendations, and all else at another service. What it asks of tables is put to what the
    /// function's role was granted.
    pub(crate) fn start(aws: &Aws, recommendations: &Played, all_else: &Played) -> Self {
        let deployment = aws.deployment;
        let mut child = Command::new(binary("bff"))
            .env_clear()
            .envs([
                ("BFF_LISTEN", "127.0.0.1:0"),
                ("STAGE", "local"),
                ("TOKEN_AUDIENCE", "onecommit"),
                ("LOCAL_ISSUER_SECRET", SECRET),
                ("DASHBOARD_DEADLINE_MS", "10000"),
                ("RECOMMENDATIONS_API_URL", &recommendations.address),
                ("CATALOG_API_URL", &all_else.address),
                ("ORDERS_API_URL", &all_else.address),
                ("USERS_API_URL", &all_else.address),
                ("NOTIFICATIONS_API_URL", &all_else.address),
                ("CIRCUITS_TABLE_NAME", deployment.output("CircuitsTableName")),
                ("EVENTS_TABLE_NAME", deployment.output("EventsTableName")),
                ("AWS_ENDPOINT_URL", &deployment.endpoint_of("BffFunction")),
                ("AWS_REGION", &deployment.region),
                ("AWS_ACCESS_KEY_ID", "test"),
                ("AWS_SECRET_ACCESS_KEY", "test"),
            ])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        log.read_line(&mut line).unwrap();
        let first: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        let lines = log.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap());
        Self {
            child,
            site: format!("http://{}", first["address"].as_str().unwrap()),
            lines: Some(thread::spawn(move || lines.collect())),
        }
    }

    /// What the dashboard of somebody who is signed in lacks. It is answered, whatever is away.
    pub(crate) fn lacks(&self, session: &str) -> Vec<String> {
        let answer = authorized("GET", &format!("{}/dashboard", self.site), Some(session), None);
        assert_eq!(answer.status, 200, "{answer:?}");
        let degraded = answer.body["degraded"].as_array().unwrap();
        degraded.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    }

    /// Asks it to end, and gives the lines that it has written.
    pub(crate) fn end(mut self) -> Vec<Value> {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        kill(pid, Signal::SIGTERM).unwrap();
        assert!(self.child.wait().unwrap().success());
        self.lines.take().expect("it is taken only here").join().unwrap()
    }
}

impl Drop for FrontDoor {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
