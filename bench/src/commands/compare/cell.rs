//! One contestant in one scenario, once: from its start to what is in its tables at the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::commands::compare::scenario::Scenario;
use crate::contestants::Contestant;
use crate::lab::dynamodb_local::DynamoDbLocal;
use crate::lab::exchange::{Exchange, Tally, time_under_way};
use crate::lab::function::{Function, Launch};
use crate::lab::process::Usage;
use crate::lab::proxy::Proxy;
use crate::lab::tables::Tables;
use crate::lab::verdict::Verdict;
use crate::workload::{BATCH_SIZE, Batch, Delivery, Kind, OrderCreated, Source};

/// How often SQS would deliver a failed message again before it gives up.
const REDELIVERIES_MAX: usize = 3;

/// Batches of a cell, after the first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Length {
    pub(crate) warm_up: usize,
    pub(crate) measured: usize,
}

/// What was measured.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) contestant: String,
    pub(crate) scenario: Scenario,
    pub(crate) latency: Duration,
    pub(crate) cold_start: Duration,
    pub(crate) first_invoke: Duration,
    pub(crate) batches: Vec<Duration>,
    /// How long of each batch a request to DynamoDB was under way.
    pub(crate) waits: Vec<Duration>,
    /// From the first measured batch to the end of the last.
    pub(crate) wall: Duration,
    pub(crate) messages: usize,
    pub(crate) cpu: Duration,
    pub(crate) context_switches: u64,
    pub(crate) peak_rss_kib: u64,
    pub(crate) api_connections: usize,
    pub(crate) dynamodb_connections: usize,
    /// DynamoDB during the measured batches.
    pub(crate) tally: Tally,
    /// Measured deliveries that came back as failed.
    pub(crate) failed: Vec<Kind>,
    pub(crate) verdict: Verdict,
}

impl Cell {
    pub(crate) async fn measure(
        dynamodb: &DynamoDbLocal,
        contestant: &Contestant,
        scenario: Scenario,
        latency: Duration,
        length: Length,
    ) -> Result<Self> {
        let tables = Tables::create(&dynamodb.direct, &unused_name(), contestant.ledger_key).await?;
        let proxy = Proxy::start(dynamodb.upstream.clone(), latency).await?;
        let launch = contestant.launch(&tables, &proxy.url());
        let (batches, elsewhere) = batches_of(scenario, length);
        let mut exchanges = handle_elsewhere(&launch, &proxy, &elsewhere).await?;
        let connections_elsewhere = proxy.connections();

        let mut function = Function::start(&launch).await?;
        let (before, measured) = batches.split_at(1 + length.warm_up);
        let first = function.handle(&before[0]).await?;
        for batch in &before[1..] {
            function.handle(batch).await?;
        }
        exchanges.extend(proxy.take_exchanges());

        let at_start = function.usage()?;
        let run = Run::of(&mut function, measured, &proxy).await?;
        let at_end = function.usage()?;
        let tally = Tally::of(run.exchanges.iter().flatten());
        let waits = run
            .exchanges
            .iter()
            .map(|exchanges| time_under_way(exchanges))
            .collect();
        exchanges.extend(run.exchanges.into_iter().flatten());

        let left = redeliver(&mut function, run.failed.clone()).await?;
        exchanges.extend(proxy.take_exchanges());
        let sent = unique_events(elsewhere.iter().chain(&batches));
        let verdict = Verdict::of(&tables, &Tally::of(&exchanges), &sent, left).await?;
        let api_connections = function.api_connections();
        let cold_start = function.cold_start;
        function.stop().await?;
        tables.delete().await?;

        Ok(Self {
            contestant: contestant.name.clone(),
            scenario,
            latency,
            cold_start,
            first_invoke: first.elapsed,
            wall: run.wall,
            messages: measured.iter().map(|batch| batch.deliveries.len()).sum(),
            batches: run.batches,
            waits,
            cpu: at_end.cpu.saturating_sub(at_start.cpu),
            context_switches: switches(at_start, at_end),
            peak_rss_kib: at_end.peak_rss_kib,
            api_connections,
            dynamodb_connections: proxy.connections() - connections_elsewhere,
            tally,
            failed: run.failed.iter().map(|delivery| delivery.kind).collect(),
            verdict,
        })
    }
}

/// The measured part.
struct Run {
    batches: Vec<Duration>,
    exchanges: Vec<Vec<Exchange>>,
    wall: Duration,
    failed: Vec<Delivery>,
}

impl Run {
    async fn of(function: &mut Function, batches: &[Batch], proxy: &Proxy) -> Result<Self> {
        let started = Instant::now();
        let mut run = Self {
            batches: Vec::with_capacity(batches.len()),
            exchanges: Vec::with_capacity(batches.len()),
            wall: Duration::ZERO,
            failed: Vec::new(),
        };
        for batch in batches {
            let handled = function.handle(batch).await?;
            run.batches.push(handled.elapsed);
            run.exchanges.push(proxy.take_exchanges());
            run.failed.extend(handled.failed);
        }
        run.wall = started.elapsed();
        Ok(run)
    }
}

/// The batches for the measured process, and those for another one before it.
fn batches_of(scenario: Scenario, length: Length) -> (Vec<Batch>, Vec<Batch>) {
    let mut other = Source::default();
    let elsewhere: Vec<_> = match scenario {
        Scenario::HalfHandledElsewhere => (0..length.measured.div_ceil(2)).map(|_| other.unique()).collect(),
        Scenario::Unique | Scenario::HalfDuplicates => Vec::new(),
    };
    let mut source = Source::repeating(other.sent().to_vec());
    let mut batches: Vec<_> = (0..1 + length.warm_up).map(|_| source.unique()).collect();
    if scenario == Scenario::HalfDuplicates {
        source.repeat_what_was_sent();
    }
    batches.extend((0..length.measured).map(|_| match scenario {
        Scenario::Unique => source.unique(),
        Scenario::HalfDuplicates => source.half_duplicates(),
        Scenario::HalfHandledElsewhere => source.half_earlier(),
    }));
    (batches, elsewhere)
}

async fn handle_elsewhere(launch: &Launch, proxy: &Proxy, batches: &[Batch]) -> Result<Vec<Exchange>> {
    if !batches.is_empty() {
        let mut other = Function::start(launch).await?;
        for batch in batches {
            other.handle(batch).await?;
        }
        other.stop().await?;
    }
    Ok(proxy.take_exchanges())
}

/// Delivers what failed again, as SQS would; what still fails is left over.
async fn redeliver(function: &mut Function, mut failed: Vec<Delivery>) -> Result<usize> {
    for _ in 0..REDELIVERIES_MAX {
        let mut still_failed = Vec::new();
        for deliveries in failed.chunks(BATCH_SIZE) {
            still_failed.extend(function.handle(&Batch::of(deliveries.to_vec())).await?.failed);
        }
        failed = still_failed;
    }
    Ok(failed.len())
}

fn unique_events<'a>(batches: impl Iterator<Item = &'a Batch>) -> Vec<Arc<OrderCreated>> {
    let deliveries = batches.flat_map(|batch| &batch.deliveries);
    deliveries
        .filter(|delivery| delivery.kind == Kind::Unique)
        .map(|delivery| Arc::clone(&delivery.event))
        .collect()
}

fn switches(at_start: Usage, at_end: Usage) -> u64 {
    at_end.context_switches.saturating_sub(at_start.context_switches)
}

fn unused_name() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("compare-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}
