//! One worker, one full queue, until every message is deleted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::contestants::Contestant;
use crate::lab::exchange::{Exchange, Tally};
use crate::lab::ministack::MiniStack;
use crate::lab::proxy::Proxy;
use crate::lab::tables::Tables;
use crate::lab::verdict::Verdict;
use crate::lab::worker::Worker;
use crate::workload::{Batch, OrderCreated, Source};

const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// A worker that deletes nothing for this long is stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// What it took.
#[derive(Debug)]
pub(crate) struct Drain {
    pub(crate) worker: String,
    pub(crate) messages: usize,
    pub(crate) elapsed: Duration,
    pub(crate) cpu: Duration,
    pub(crate) peak_rss_kib: u64,
    pub(crate) tally: Tally,
    pub(crate) verdict: Verdict,
}

impl Drain {
    pub(crate) async fn measure(ministack: &MiniStack, contestant: &Contestant, messages: usize) -> Result<Self> {
        let name = unused_name();
        let tables = Tables::create(&ministack.dynamodb, &name, contestant.ledger_key).await?;
        let queue = ministack.create_queue(&name).await?;
        ministack.create_queue(&format!("{name}-dlq")).await?;
        let sent = fill(ministack, &queue, messages).await?;
        let proxy = Proxy::start(ministack.upstream.clone(), Duration::ZERO).await?;

        let mut worker = Worker::start(&contestant.launch_worker(&tables, &proxy.url(), &queue))?;
        let exchanges = until_deleted(&proxy, &mut worker, sent.len()).await?;
        let usage = worker.usage()?;
        worker.stop().await?;

        let dynamodb: Vec<_> = exchanges
            .iter()
            .filter(|exchange| !exchange.operation.contains('.'))
            .collect();
        let verdict = Verdict::of(&tables, &Tally::of(dynamodb.iter().copied()), &sent, 0).await?;
        tables.delete().await?;
        Ok(Self {
            worker: contestant.name.clone(),
            messages: sent.len(),
            elapsed: elapsed(&exchanges).context("no message was received")?,
            cpu: usage.cpu,
            peak_rss_kib: usage.peak_rss_kib,
            tally: Tally::of(&exchanges),
            verdict,
        })
    }

    pub(crate) fn cpu_s_per_1000(&self) -> f64 {
        self.cpu.as_secs_f64() * 1_000.0 / self.messages as f64
    }

    pub(crate) fn dynamodb_requests_per_message(&self) -> f64 {
        self.requests_per_message(|operation| !operation.contains('.'))
    }

    pub(crate) fn sqs_requests_per_message(&self) -> f64 {
        self.requests_per_message(|operation| operation.starts_with("AmazonSQS."))
    }

    fn requests_per_message(&self, is_counted: fn(&str) -> bool) -> f64 {
        let counted = self
            .tally
            .by_operation
            .iter()
            .filter(|(operation, _)| is_counted(operation));
        counted.map(|(_, count)| count).sum::<usize>() as f64 / self.messages as f64
    }
}

/// Puts messages in the queue, ten at a time.
async fn fill(ministack: &MiniStack, queue: &str, messages: usize) -> Result<Vec<Arc<OrderCreated>>> {
    let mut source = Source::default();
    while source.sent().len() < messages {
        let batch = source.unique();
        let answer = ministack
            .sqs
            .call("SendMessageBatch", &send_request(queue, &batch))
            .await?;
        if answer["Failed"].as_array().is_some_and(|failed| !failed.is_empty()) {
            bail!("MiniStack did not take all messages: {answer}");
        }
    }
    Ok(source.sent().to_vec())
}

fn send_request(queue: &str, batch: &Batch) -> Value {
    let entries = batch
        .deliveries
        .iter()
        .map(|delivery| json!({ "Id": delivery.message_id, "MessageBody": delivery.body() }));
    json!({ "QueueUrl": format!("http://127.0.0.1{queue}"), "Entries": entries.collect::<Vec<_>>() })
}

/// All that passed until every message was deleted.
async fn until_deleted(proxy: &Proxy, worker: &mut Worker, messages: usize) -> Result<Vec<Exchange>> {
    let mut exchanges = Vec::new();
    let (mut deleted, mut last_progress) = (0, Instant::now());
    while deleted < messages {
        let new = proxy.take_exchanges();
        let newly_deleted: usize = new.iter().map(deletions).sum();
        if newly_deleted > 0 {
            (deleted, last_progress) = (deleted + newly_deleted, Instant::now());
        }
        exchanges.extend(new);
        worker.usage()?;
        if last_progress.elapsed() > PATIENCE {
            bail!("the worker has deleted {deleted} of {messages} messages and does not go on");
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(exchanges)
}

/// Messages deleted by one request.
fn deletions(exchange: &Exchange) -> usize {
    match (exchange.operation.as_str(), exchange.status) {
        ("AmazonSQS.DeleteMessage", 200) => 1,
        ("AmazonSQS.DeleteMessageBatch", 200) => {
            let answer: Value = serde_json::from_slice(&exchange.answer).unwrap_or_default();
            answer["Successful"].as_array().map_or(0, Vec::len)
        }
        _ => 0,
    }
}

/// From the first message received to the last deleted.
fn elapsed(exchanges: &[Exchange]) -> Option<Duration> {
    let first = exchanges
        .iter()
        .find(|exchange| exchange.operation == "AmazonSQS.ReceiveMessage")?;
    let last = exchanges.iter().rfind(|exchange| deletions(exchange) > 0)?;
    Some(last.finished.saturating_duration_since(first.finished))
}

fn unused_name() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("worker-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}
