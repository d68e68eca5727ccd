//! One event store, one kind of work, one latency, once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Deserialize;

use crate::commands::event_store::work::Work;
use crate::contestants::event_stores::EventStore;
use crate::lab::dynamodb_local::DynamoDbLocal;
use crate::lab::exchange::Exchange;
use crate::lab::line_process::LineProcess;
use crate::lab::proxy::Proxy;
use crate::lab::streams::Streams;
use crate::lab::write_units;

/// What a contestant says of a task.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer {
    samples_ns: Vec<u64>,
    /// Of the last state that was loaded.
    pub(crate) events: u64,
    pub(crate) version: u64,
    pub(crate) by_writer: BTreeMap<u32, u64>,
    /// Times a writer had to start over because the store had given up.
    pub(crate) started_over: u64,
    pub(crate) problem: Option<String>,
}

/// An event store with its tables, which hold the streams to load.
pub(crate) struct Contestant {
    pub(crate) store: EventStore,
    pub(crate) streams: Streams,
}

/// What one piece of work took.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) contestant: &'static str,
    pub(crate) work: Work,
    pub(crate) latency: Duration,
    pub(crate) samples: Vec<Duration>,
    /// Of all samples together, from the asking to the answer.
    pub(crate) elapsed: Duration,
    pub(crate) cpu: Duration,
    pub(crate) requests: usize,
    /// Those of them that a condition refused.
    pub(crate) refused: usize,
    pub(crate) write_units: usize,
    /// The stream it was appended to.
    pub(crate) stream: String,
    pub(crate) answer: Answer,
}

impl Cell {
    /// A new process, some work to warm up, then the work that counts.
    pub(crate) async fn measure(
        dynamodb: &DynamoDbLocal,
        contestant: &Contestant,
        work: Work,
        latency: Duration,
        times: usize,
    ) -> Result<Self> {
        let proxy = Proxy::start(dynamodb.upstream.clone(), latency).await?;
        let mut process = LineProcess::start(&contestant.store.launch(&contestant.streams, &proxy.url()))?;
        if let Some(times) = warm_up_times(work, times) {
            process.ask::<Answer>(&work.task(&unused_stream(), times)).await?;
        }
        proxy.take_exchanges();

        let stream = unused_stream();
        let before = process.usage()?;
        let started = Instant::now();
        let answer: Answer = process.ask(&work.task(&stream, times)).await?;
        let elapsed = started.elapsed();
        let cpu = process.usage()?.cpu.saturating_sub(before.cpu);
        let exchanges = proxy.take_exchanges();
        Ok(Self {
            contestant: contestant.store.name,
            work,
            latency,
            samples: answer.samples_ns.iter().copied().map(Duration::from_nanos).collect(),
            elapsed,
            cpu,
            requests: exchanges.len(),
            refused: exchanges.iter().filter(|exchange| is_refused(exchange)).count(),
            write_units: exchanges.iter().map(write_units::of).sum(),
            stream,
            answer,
        })
    }
}

/// Asks for the streams that are loaded later.
pub(crate) async fn seed(dynamodb: &DynamoDbLocal, contestant: &Contestant, task: &serde_json::Value) -> Result<()> {
    let proxy = Proxy::start(dynamodb.upstream.clone(), Duration::ZERO).await?;
    let mut process = LineProcess::start(&contestant.store.launch(&contestant.streams, &proxy.url()))?;
    let answer: Answer = process.ask(task).await?;
    match answer.problem {
        Some(problem) => anyhow::bail!("{} did not make its stream: {problem}", contestant.store.name),
        None => Ok(()),
    }
}

/// Nothing is warmed up that cannot be repeated.
fn warm_up_times(work: Work, times: usize) -> Option<usize> {
    match work {
        Work::AppendAfterLoad { .. } => None,
        Work::Append { .. } | Work::Load { .. } | Work::Contend { .. } => Some(times.div_ceil(4)),
    }
}

fn is_refused(exchange: &Exchange) -> bool {
    exchange.status == 400
}

fn unused_stream() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("new-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// How many events of each writer are in a stream, as a new process reads it.
pub(crate) async fn by_writer(
    dynamodb: &DynamoDbLocal,
    contestant: &Contestant,
    stream: &str,
) -> Result<BTreeMap<u32, u64>> {
    let proxy = Proxy::start(dynamodb.upstream.clone(), Duration::ZERO).await?;
    let mut process = LineProcess::start(&contestant.store.launch(&contestant.streams, &proxy.url()))?;
    let task = serde_json::json!({ "task": "load", "stream": stream, "way": "events", "times": 1 });
    Ok(process.ask::<Answer>(&task).await?.by_writer)
}
