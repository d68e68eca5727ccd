//! Rows of the events table, put there at a steady rate.

use std::time::Duration;

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use tokio::time::{Instant, interval_at};
use uuid::Uuid;

use crate::lab::aws_json::AwsJson;

const AGGREGATES: usize = 1_000;
/// The most rows of one request.
const ROWS_MAX: usize = 25;
const TICK: Duration = Duration::from_millis(100);

pub(crate) struct Load {
    pub(crate) table: String,
    pub(crate) per_second: usize,
    pub(crate) seconds: u64,
}

impl Load {
    /// Puts the rows, and gives their number. When the table cannot keep up, it takes longer.
    pub(crate) async fn append(&self, dynamodb: &AwsJson) -> Result<u64> {
        let per_tick = self.per_second / 10;
        let mut ticks = interval_at(Instant::now(), TICK);
        let mut appended = 0;
        for _ in 0..self.seconds * 10 {
            ticks.tick().await;
            let rows: Vec<Value> = (appended..appended + per_tick).map(row).collect();
            let requests = rows.chunks(ROWS_MAX).map(|some| self.put(dynamodb, some));
            try_join_all(requests).await?;
            appended += per_tick;
        }
        Ok(appended as u64)
    }

    async fn put(&self, dynamodb: &AwsJson, rows: &[Value]) -> Result<()> {
        let puts: Vec<Value> = rows
            .iter()
            .map(|row| json!({ "PutRequest": { "Item": row } }))
            .collect();
        let input = json!({ "RequestItems": { self.table.as_str(): puts } });
        let answer = dynamodb.call("BatchWriteItem", &input).await?;
        let left = answer["UnprocessedItems"]
            .as_object()
            .is_none_or(serde_json::Map::is_empty);
        ensure!(left, "the table did not take all rows");
        Ok(())
    }
}

/// A row as the event store writes it: the aggregates in turn, each version after the last.
fn row(number: usize) -> Value {
    let (aggregate, version) = (number % AGGREGATES, number / AGGREGATES + 1);
    let (id, timestamp) = (Uuid::now_v7().to_string(), "2026-01-01T00:00:00.000Z");
    let event = json!({
        "eventId": id, "eventType": "Measured", "aggregateId": aggregate.to_string(), "aggregateType": "Meter",
        "timestamp": timestamp, "payload": { "note": "x".repeat(300) },
        "metadata": { "correlationId": "bench", "causationId": "bench", "sequence": version, "schemaVersion": 1 },
    });
    json!({
        "stream": { "S": format!("Meter#{aggregate}") }, "version": { "N": version.to_string() },
        "eventId": { "S": id }, "eventType": { "S": "Measured" }, "timestamp": { "S": timestamp },
        "event": { "S": event.to_string() }, "pending": { "S": format!("shard-{}", aggregate % 16) },
    })
}
