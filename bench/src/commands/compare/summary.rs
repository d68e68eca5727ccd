//! The rounds of one contestant in one scenario, as one row.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::commands::compare::cell::Cell;
use crate::commands::compare::scenario::Scenario;
use crate::contestants::Contestant;
use crate::lab::verdict::Verdict;
use crate::report::Table;
use crate::statistics::{median, ms, percentile};
use crate::workload::Kind;

const COST_COLUMNS: [&str; 14] = [
    "contestant",
    "cold start ms",
    "first invoke ms",
    "warm p50 ms",
    "warm p99 ms",
    "messages/s",
    "CPU s per 1,000",
    "peak RSS MB",
    "zip KB",
    "DynamoDB requests per message",
    "write units per message",
    "context switches per message",
    "runtime API connections",
    "DynamoDB connections",
];
const EFFECT_COLUMNS: [&str; 8] = [
    "contestant",
    "effects",
    "unique reported failed",
    "duplicates in batch reported failed",
    "earlier duplicates reported failed",
    "write units refused per message",
    "batch ms with DynamoDB under way",
    "batch ms without",
];

/// All rounds together.
#[derive(Debug)]
pub(crate) struct Summary {
    pub(crate) contestant: String,
    pub(crate) scenario: Scenario,
    pub(crate) latency: Duration,
    pub(crate) cold_start: Duration,
    pub(crate) first_invoke: Duration,
    pub(crate) warm_p50: Duration,
    pub(crate) warm_p99: Duration,
    pub(crate) messages_per_s: f64,
    pub(crate) cpu_s_per_1000: f64,
    pub(crate) peak_rss_mb: f64,
    pub(crate) zip_bytes: u64,
    pub(crate) requests_per_message: f64,
    pub(crate) write_units_per_message: f64,
    pub(crate) refused_units_per_message: f64,
    pub(crate) context_switches_per_message: f64,
    pub(crate) api_connections: usize,
    pub(crate) dynamodb_connections: usize,
    pub(crate) messages: usize,
    pub(crate) failed_unique: usize,
    pub(crate) failed_in_batch: usize,
    pub(crate) failed_earlier: usize,
    pub(crate) verdict: Verdict,
    /// Of a batch: with a request to DynamoDB under way, and without; medians.
    pub(crate) waiting: Duration,
    pub(crate) working: Duration,
    batches: Vec<Duration>,
    by_operation: BTreeMap<String, usize>,
}

impl Summary {
    pub(crate) fn of_all(contestants: &[Contestant], latencies: &[Duration], cells: &[Cell]) -> Vec<Self> {
        let mut summaries = Vec::new();
        for &latency in latencies {
            for scenario in Scenario::ALL {
                for contestant in contestants {
                    let is_of = |cell: &&Cell| {
                        (cell.contestant == contestant.name) && cell.scenario == scenario && cell.latency == latency
                    };
                    summaries.push(Self::of(
                        contestant,
                        &cells.iter().filter(is_of).collect::<Vec<_>>(),
                        scenario,
                        latency,
                    ));
                }
            }
        }
        summaries
    }

    fn of(contestant: &Contestant, cells: &[&Cell], scenario: Scenario, latency: Duration) -> Self {
        let messages: usize = cells.iter().map(|cell| cell.messages).sum();
        let per_message = |total: f64| total / messages as f64;
        let batches: Vec<_> = cells.iter().flat_map(|cell| cell.batches.iter().copied()).collect();
        let waits: Vec<_> = cells.iter().flat_map(|cell| cell.waits.iter().copied()).collect();
        let total = |of: fn(&Cell) -> f64| cells.iter().map(|cell| of(cell)).sum::<f64>();
        let most = |of: fn(&Cell) -> usize| cells.iter().map(|cell| of(cell)).max().unwrap_or_default();
        let failed = |kind| {
            cells
                .iter()
                .flat_map(|cell| &cell.failed)
                .filter(|failed| **failed == kind)
                .count()
        };
        Self {
            contestant: contestant.name.clone(),
            scenario,
            latency,
            cold_start: median(&cells.iter().map(|cell| cell.cold_start).collect::<Vec<_>>()),
            first_invoke: median(&cells.iter().map(|cell| cell.first_invoke).collect::<Vec<_>>()),
            warm_p50: median(&batches),
            warm_p99: percentile(&batches, 99.0),
            messages_per_s: messages as f64 / total(|cell| cell.wall.as_secs_f64()),
            cpu_s_per_1000: per_message(total(|cell| cell.cpu.as_secs_f64())) * 1_000.0,
            peak_rss_mb: most(|cell| cell.peak_rss_kib as usize) as f64 * 1_024.0 / 1e6,
            zip_bytes: contestant.zip_bytes,
            requests_per_message: per_message(total(|cell| cell.tally.requests as f64)),
            write_units_per_message: per_message(total(|cell| cell.tally.write_units)),
            refused_units_per_message: per_message(total(|cell| cell.tally.refused_write_units)),
            context_switches_per_message: per_message(total(|cell| cell.context_switches as f64)),
            api_connections: most(|cell| cell.api_connections),
            dynamodb_connections: most(|cell| cell.dynamodb_connections),
            messages,
            failed_unique: failed(Kind::Unique),
            failed_in_batch: failed(Kind::DuplicateInBatch),
            failed_earlier: failed(Kind::DuplicateOfEarlier),
            verdict: cells
                .iter()
                .fold(Verdict::default(), |sum, cell| sum.merged(cell.verdict)),
            waiting: median(&waits),
            working: median(
                &batches
                    .iter()
                    .zip(&waits)
                    .map(|(all, wait)| all.saturating_sub(*wait))
                    .collect::<Vec<_>>(),
            ),
            batches,
            by_operation: merge_counts(cells),
        }
    }

    fn costs_row(&self) -> Vec<String> {
        vec![
            self.contestant.clone(),
            format!("{:.1}", ms(self.cold_start)),
            format!("{:.1}", ms(self.first_invoke)),
            format!("{:.2}", ms(self.warm_p50)),
            format!("{:.2}", ms(self.warm_p99)),
            format!("{:.0}", self.messages_per_s),
            format!("{:.3}", self.cpu_s_per_1000),
            format!("{:.1}", self.peak_rss_mb),
            format!("{:.0}", self.zip_bytes as f64 / 1_000.0),
            format!("{:.2}", self.requests_per_message),
            format!("{:.2}", self.write_units_per_message),
            format!("{:.1}", self.context_switches_per_message),
            self.api_connections.to_string(),
            self.dynamodb_connections.to_string(),
        ]
    }

    fn effects_row(&self) -> Vec<String> {
        vec![
            self.contestant.clone(),
            self.verdict.in_words(),
            self.failed_unique.to_string(),
            self.failed_in_batch.to_string(),
            self.failed_earlier.to_string(),
            format!("{:.2}", self.refused_units_per_message),
            format!("{:.2}", ms(self.waiting)),
            format!("{:.2}", ms(self.working)),
        ]
    }

    pub(crate) fn data(&self) -> Value {
        json!({
            "contestant": self.contestant,
            "scenario": self.scenario.name(),
            "addedLatencyMs": ms(self.latency),
            "coldStartMs": ms(self.cold_start),
            "firstInvokeMs": ms(self.first_invoke),
            "warmP50Ms": ms(self.warm_p50),
            "warmP99Ms": ms(self.warm_p99),
            "batchWithDynamodbUnderWayMs": ms(self.waiting),
            "batchWithoutMs": ms(self.working),
            "messagesPerSecond": self.messages_per_s,
            "cpuSecondsPer1000": self.cpu_s_per_1000,
            "peakRssMb": self.peak_rss_mb,
            "zipBytes": self.zip_bytes,
            "requestsPerMessage": self.requests_per_message,
            "writeUnitsPerMessage": self.write_units_per_message,
            "refusedWriteUnitsPerMessage": self.refused_units_per_message,
            "contextSwitchesPerMessage": self.context_switches_per_message,
            "runtimeApiConnections": self.api_connections,
            "dynamodbConnections": self.dynamodb_connections,
            "messages": self.messages,
            "requestsByOperation": self.by_operation,
            "batchesMs": self.batches.iter().map(|batch| (ms(*batch) * 1_000.0).round() / 1_000.0).collect::<Vec<_>>(),
            "effects": {
                "missing": self.verdict.missing,
                "writtenTwice": self.verdict.doubled,
                "stray": self.verdict.stray,
                "leftOver": self.verdict.left,
                "requestsInError": self.verdict.unexpected,
                "rowsOverOneUnit": self.verdict.oversize,
            },
            "batchItemFailures": {
                "unique": self.failed_unique,
                "duplicatesInBatch": self.failed_in_batch,
                "earlierDuplicates": self.failed_earlier,
            },
        })
    }
}

/// What it took.
pub(crate) fn costs_table(latency: Duration, scenario: Scenario, summaries: &[&Summary]) -> Table {
    let title = format!("{} ms added to each DynamoDB request, {}", ms(latency), scenario.name());
    let mut table = Table::new(title, &COST_COLUMNS);
    table.rows = summaries.iter().map(|summary| summary.costs_row()).collect();
    table
}

/// What came of it.
pub(crate) fn effects_table(summaries: &[&Summary]) -> Table {
    let messages = summaries.first().map_or(0, |summary| summary.messages);
    let mut table = Table::new(
        format!("The same: what came of {messages} messages, and where a batch's time went"),
        &EFFECT_COLUMNS,
    );
    table.rows = summaries.iter().map(|summary| summary.effects_row()).collect();
    table
}

fn merge_counts(cells: &[&Cell]) -> BTreeMap<String, usize> {
    let mut merged = BTreeMap::new();
    for (operation, count) in cells.iter().flat_map(|cell| &cell.tally.by_operation) {
        *merged.entry(operation.clone()).or_default() += count;
    }
    merged
}
