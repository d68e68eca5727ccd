//! Bills: what is paid for, and how much of it.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::prices::{
    DURABLE_OPERATION, EVENT_BRIDGE_EVENT, GB_SECOND, INVOCATION, Price, READ_UNIT, SNS_PUBLISH, SQS_REQUEST,
    TRANSITION, WRITE_UNIT,
};

/// What the benchmarks measured, and what is deployed.
pub(crate) struct Measured {
    pub(crate) compare: Value,
    pub(crate) sagas: Value,
    pub(crate) template: String,
}

/// What one of a million costs.
pub(crate) struct Bill {
    pub(crate) what: String,
    lines: Vec<(&'static Price, f64)>,
}

/// The same 4 ms that `compare` adds to each request, about what DynamoDB takes.
const LATENCY_MS: f64 = 4.0;
const BATCH: f64 = 10.0;
/// Of the functions, in GB, theirs and ours.
const MEMORY_GB: f64 = 0.25;
/// Sent by SNS one by one, received and deleted by Lambda ten at a time.
const SQS_REQUESTS: f64 = 1.0 + 2.0 / BATCH;

impl Bill {
    fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            lines: Vec::new(),
        }
    }

    fn with(mut self, price: &'static Price, count: f64) -> Self {
        self.lines.push((price, count));
        self
    }

    /// An invocation for ten messages, and their way through the queue.
    fn handled_by_lambda(self, ms_of_batch: f64) -> Self {
        self.with(&SQS_REQUEST, SQS_REQUESTS)
            .with(&INVOCATION, 1.0 / BATCH)
            .with(&GB_SECOND, ms_of_batch / 1_000.0 / BATCH * MEMORY_GB)
    }

    pub(crate) fn count(&self, price: &Price) -> f64 {
        let of_price = self.lines.iter().filter(|(of, _)| of.what == price.what);
        of_price.fold(0.0, |sum, (_, count)| sum + count)
    }

    /// For a million of them, of these prices.
    pub(crate) fn usd_of(&self, prices: &[&Price]) -> f64 {
        let usd = |price: &&Price| self.count(price) * price.per_million_usd;
        prices.iter().fold(0.0, |sum, price| sum + usd(price))
    }

    /// For a million of them.
    pub(crate) fn usd(&self) -> f64 {
        let usd = |(price, count): &(&Price, f64)| count * price.per_million_usd;
        self.lines.iter().fold(0.0, |sum, line| sum + usd(line))
    }
}

impl Measured {
    fn ms_of_batch(&self, contestant: &str) -> Result<f64> {
        let cells = self.compare.as_array().context("compare.json has no cells")?;
        let cell = cells.iter().find(|cell| {
            cell["contestant"] == contestant
                && cell["scenario"] == "all unique"
                && cell["addedLatencyMs"].as_f64() == Some(LATENCY_MS)
        });
        cell.and_then(|cell| cell["warmP50Ms"].as_f64())
            .with_context(|| format!("compare.json does not tell what a batch of {contestant} takes"))
    }

    /// An event that changes one row, by how it is recorded that it was handled.
    pub(crate) fn unique(&self) -> Result<Vec<Bill>> {
        let ours = self.ms_of_batch("ours+group")?;
        let bill = |what: &str, writes: f64, ms: f64| Bill::new(what).with(&WRITE_UNIT, writes).handled_by_lambda(ms);
        Ok(vec![
            bill("onecommit, `Embedded`", 1.0, ours),
            bill("onecommit, `Projection`", 1.0, ours),
            bill("onecommit, `Atomic`", 4.0, ours),
            bill("onecommit, `Keyed`, without the call", 4.0, ours),
            bill("onecommit, `Guarded`, without the call", 5.0, ours),
            bill(
                "Powertools for Lambda (Python)",
                3.0,
                self.ms_of_batch("python-powertools")?,
            ),
            bill(
                "Powertools for Lambda (TypeScript)",
                3.0,
                self.ms_of_batch("node-powertools")?,
            ),
            Bill::new("NServiceBus, outbox in DynamoDB, without what it runs on")
                .with(&WRITE_UNIT, 5.0)
                .with(&READ_UNIT, 1.0)
                .with(&SQS_REQUEST, SQS_REQUESTS),
        ])
    }

    /// Copies of events that were handled.
    pub(crate) fn copies(&self) -> Result<Vec<Bill>> {
        let ours = self.ms_of_batch("ours+group")?;
        let bill = |what: &str, writes: f64, ms: f64| Bill::new(what).with(&WRITE_UNIT, writes).handled_by_lambda(ms);
        Ok(vec![
            bill("onecommit, seen by the same process", 0.0, ours),
            bill("onecommit, `Embedded` or `Projection`", 1.0, ours),
            bill("onecommit, `Atomic`, delivered again or redriven", 1.0, ours),
            bill("onecommit, `Atomic`, published twice", 4.0, ours),
            bill(
                "Powertools for Lambda (Python)",
                1.0,
                self.ms_of_batch("python-powertools")?,
            ),
            Bill::new("NServiceBus, outbox in DynamoDB, without what it runs on")
                .with(&READ_UNIT, 1.0)
                .with(&SQS_REQUEST, SQS_REQUESTS),
        ])
    }

    /// What an event costs that a commit appends, until it is in the queues.
    pub(crate) fn appended() -> Vec<Bill> {
        // One row read by a relay that sees the aggregate for the first time: at most half a unit.
        let appended = |what: &str, writes: f64| Bill::new(what).with(&WRITE_UNIT, writes).with(&READ_UNIT, 0.5);
        vec![
            appended("to a topic of SNS", 2.0).with(&SNS_PUBLISH, 1.0),
            appended("to a bus of EventBridge", 2.0).with(&EVENT_BRIDGE_EVENT, 1.0),
            appended("to a topic, with `PendingMarks=on`", 5.0).with(&SNS_PUBLISH, 1.0),
        ]
    }

    /// Write and read units of a saga of five steps that goes well.
    pub(crate) fn units_of_a_saga(&self) -> Result<(f64, f64)> {
        let number = |name: &str| {
            let found = self.sagas[name].as_f64();
            found.with_context(|| format!("sagas.json does not tell `{name}`"))
        };
        let sagas = number("orders")?;
        Ok((number("writeUnits")? / sagas, number("readUnits")? / sagas))
    }

    /// The orchestration of five steps with answers, without what the steps themselves do.
    pub(crate) fn sagas(&self) -> Result<Vec<Bill>> {
        const STEPS: f64 = 5.0;
        let (writes, reads) = self.units_of_a_saga()?;
        // The request and five answers come; five commands go.
        let messages = STEPS + 1.0;
        let ms = self.ms_of_batch("ours+group")?;
        Ok(vec![
            Bill::new("onecommit: DynamoDB, commands by SNS, answers by SQS, Lambda")
                .with(&WRITE_UNIT, writes)
                .with(&READ_UNIT, reads)
                .with(&SNS_PUBLISH, STEPS)
                .with(&SQS_REQUEST, SQS_REQUESTS * messages)
                .with(&INVOCATION, messages / BATCH)
                .with(&GB_SECOND, messages * ms / 1_000.0 / BATCH * MEMORY_GB),
            Bill::new("Step Functions, Standard: 5 tasks that wait for a callback").with(&TRANSITION, STEPS),
            Bill::new("a durable Lambda function, each step a `create_callback` and a `step`: 11 operations")
                .with(&DURABLE_OPERATION, 2.0 * STEPS + 1.0),
            Bill::new("the same with `wait_for_callback`: 16 operations").with(&DURABLE_OPERATION, 3.0 * STEPS + 1.0),
        ])
    }
}
