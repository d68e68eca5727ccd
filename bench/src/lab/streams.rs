//! The tables of an event store, as each contestant lays them out, and what is in them.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::lab::aws_json::AwsJson;

/// How a contestant names what its tables hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    pub(crate) partition_key: &'static str,
    pub(crate) sort_key: &'static str,
    /// Between the aggregate's type and its id.
    pub(crate) separator: char,
    /// Snapshots lie in a table of their own.
    pub(crate) has_snapshot_table: bool,
}

/// A contestant's tables.
#[derive(Debug, Clone)]
pub(crate) struct Streams {
    dynamodb: AwsJson,
    layout: Layout,
    pub(crate) events: String,
    pub(crate) snapshots: String,
}

impl Streams {
    pub(crate) async fn create(dynamodb: &AwsJson, name: &str, layout: Layout) -> Result<Self> {
        let streams = Self {
            dynamodb: dynamodb.clone(),
            layout,
            events: format!("{name}-events"),
            snapshots: format!("{name}-snapshots"),
        };
        let Layout {
            partition_key,
            sort_key,
            ..
        } = layout;
        streams
            .make(&streams.events, &[(partition_key, "S"), (sort_key, "N")])
            .await?;
        if layout.has_snapshot_table {
            streams.make(&streams.snapshots, &[(partition_key, "S")]).await?;
        }
        Ok(streams)
    }

    /// The versions of the events of a stream, in their order.
    pub(crate) async fn versions(&self, stream: &str) -> Result<Vec<u64>> {
        let mut query = json!({
            "TableName": self.events,
            "ConsistentRead": true,
            "Limit": 1_000,
            "KeyConditionExpression": "#stream = :stream AND #version > :snapshot",
            "ProjectionExpression": "#version",
            "ExpressionAttributeNames": { "#stream": self.layout.partition_key, "#version": self.layout.sort_key },
            "ExpressionAttributeValues": {
                ":stream": { "S": format!("Cart{}{stream}", self.layout.separator) },
                ":snapshot": { "N": "0" },
            },
        });
        let mut versions = Vec::new();
        loop {
            let page = self.dynamodb.call("Query", &query).await?;
            let rows = page["Items"].as_array().map(Vec::as_slice).unwrap_or_default();
            versions.extend(rows.iter().filter_map(|row| self.version_of(row)));
            match page.get("LastEvaluatedKey") {
                Some(last) => query["ExclusiveStartKey"] = last.clone(),
                None => return Ok(versions),
            }
        }
    }

    fn version_of(&self, row: &Value) -> Option<u64> {
        row[self.layout.sort_key]["N"].as_str()?.parse().ok()
    }

    async fn make(&self, table: &str, keys: &[(&str, &str)]) -> Result<()> {
        let schema = keys.iter().zip(["HASH", "RANGE"]);
        let schema = schema.map(|((key, _), kind)| json!({ "AttributeName": key, "KeyType": kind }));
        let attributes = keys
            .iter()
            .map(|(key, kind)| json!({ "AttributeName": key, "AttributeType": kind }));
        let input = json!({
            "TableName": table,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": schema.collect::<Vec<_>>(),
            "AttributeDefinitions": attributes.collect::<Vec<_>>(),
        });
        let made = self.dynamodb.call("CreateTable", &input).await;
        made.map(drop).with_context(|| format!("cannot make table {table}"))
    }
}
