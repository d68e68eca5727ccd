//! Carries out tasks that arrive as lines of JSON on standard input; answers each with one line.
#![allow(
    clippy::disallowed_methods,
    reason = "a benchmark runs on the real clock, with ids nobody has to repeat"
)]

mod load;
mod tokens;

use std::collections::HashMap;
use std::io::BufRead;
use std::time::Instant;

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client as BareClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use onecommit_client::{Address, Client, ClientSettings, HttpTransport, RetryPolicy, RootCertificates};
use onecommit_environment::Environment;
use onecommit_resilience::{Circuit, CircuitSettings, Stopped};
use serde::{Deserialize, Serialize};

/// How a service is called.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Hash)]
enum Way {
    /// The HTTP library alone, and JSON.
    #[serde(rename = "bare")]
    Bare,
    /// The client without a cache and without repetitions.
    #[serde(rename = "plain")]
    Plain,
    #[serde(rename = "retry")]
    Retry,
    #[serde(rename = "retry and circuit")]
    RetryAndCircuit,
    #[serde(rename = "retry and cache")]
    RetryAndCache,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "task", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Task {
    Gets { client: Way, url: String, times: usize },
    Breaker { times: u32 },
    Sign { algorithm: String, times: usize },
    Tokens(tokens::Check),
    Load(load::Load),
}

#[derive(Debug, Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
enum Answer {
    Times { ns: Vec<u64> },
    Each { ns_each: f64 },
    Signed(tokens::Signed),
    Outcomes { outcomes: Vec<load::Outcome> },
}

/// What a service answers here.
#[derive(Debug, Deserialize)]
struct Product {
    #[allow(dead_code, reason = "it is read from the answer, as a caller would")]
    name: String,
}

/// One thread, as in a function.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut contestant = Contestant::new();
    for line in std::io::stdin().lock().lines() {
        let task = serde_json::from_str(&line?).context("the task is not one of this contestant")?;
        let answer = contestant.carry_out(task).await?;
        #[allow(clippy::print_stdout, reason = "it is how a contestant answers")]
        {
            println!("{}", serde_json::to_string(&answer)?);
        }
    }
    Ok(())
}

struct Contestant {
    environment: Environment,
    transport: HttpTransport,
    bare: BareClient<HttpConnector, Empty<&'static [u8]>>,
    clients: HashMap<(Way, String), Client>,
}

impl Contestant {
    fn new() -> Self {
        Self {
            environment: Environment::system(),
            transport: HttpTransport::new(RootCertificates::default()),
            bare: BareClient::builder(TokioExecutor::new()).build_http(),
            clients: HashMap::new(),
        }
    }

    async fn carry_out(&mut self, task: Task) -> Result<Answer> {
        match task {
            Task::Gets { client, url, times } => {
                let ns = self.gets(client, &url, times).await?;
                Ok(Answer::Times { ns })
            }
            Task::Breaker { times } => self.breaker(times).await,
            Task::Sign { algorithm, times } => tokens::sign(&algorithm, times, &self.environment).map(Answer::Signed),
            Task::Tokens(check) => {
                let ns = check.run(&self.environment).await?;
                Ok(Answer::Times { ns })
            }
            Task::Load(load) => {
                let (client, path) = self.client(load.client, &load.url)?;
                let outcomes = load.run(&client, &path).await;
                Ok(Answer::Outcomes { outcomes })
            }
        }
    }

    async fn gets(&mut self, way: Way, url: &str, times: usize) -> Result<Vec<u64>> {
        let mut ns = Vec::with_capacity(times);
        if way == Way::Bare {
            for _ in 0..times {
                let start = Instant::now();
                let answer = self.bare.get(url.parse()?).await?;
                let body = answer.into_body().collect().await?.to_bytes();
                serde_json::from_slice::<Product>(&body)?;
                ns.push(since(start));
            }
            return Ok(ns);
        }
        let (client, path) = self.client(way, url)?;
        for _ in 0..times {
            let start = Instant::now();
            let _: Product = client.get(&path).await?;
            ns.push(since(start));
        }
        Ok(ns)
    }

    /// The client for an address, kept as a service would keep it, and the path there.
    fn client(&mut self, way: Way, url: &str) -> Result<(Client, String)> {
        let at = url.rfind('/').context("the address has no path")?;
        let (service, path) = url.split_at(at);
        if let Some(client) = self.clients.get(&(way, service.to_owned())) {
            return Ok((client.clone(), path.to_owned()));
        }
        let mut settings = ClientSettings::default();
        if way != Way::RetryAndCache {
            settings.cache = None;
        }
        match way {
            Way::Plain => {
                settings.retries = RetryPolicy {
                    attempts_max: 1,
                    ..settings.retries
                }
            }
            Way::RetryAndCircuit => {
                settings.circuit = Some(Circuit::local(
                    "bench",
                    CircuitSettings::default(),
                    self.environment.clone(),
                )?);
            }
            Way::Bare | Way::Retry | Way::RetryAndCache => {}
        }
        let address = Address::fixed("bench", service)?;
        let client = Client::new(self.transport.clone(), address, settings, self.environment.clone());
        self.clients.insert((way, service.to_owned()), client.clone());
        Ok((client, path.to_owned()))
    }

    /// A closed circuit around a call that does nothing.
    async fn breaker(&self, times: u32) -> Result<Answer> {
        let circuit = Circuit::local("bench", CircuitSettings::default(), self.environment.clone())?;
        // One reading of the clock for all: a decision is shorter than that.
        let start = Instant::now();
        for _ in 0..times {
            circuit.call(|| std::future::ready(Ok::<u32, Stopped>(1))).await?;
        }
        Ok(Answer::Each {
            ns_each: since(start) as f64 / f64::from(times),
        })
    }
}

fn since(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
