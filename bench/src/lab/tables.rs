//! The tables of one run: made before it, read after it, dropped with it.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::lab::aws_json::AwsJson;

/// What one write unit covers.
const WRITE_UNIT_BYTES: usize = 1_024;

/// An idempotency table and a table for the effects.
#[derive(Debug, Clone)]
pub(crate) struct Tables {
    dynamodb: AwsJson,
    pub(crate) ledger: String,
    pub(crate) views: String,
}

impl Tables {
    /// Makes both; `ledger_key` is what the contestant calls the key of its idempotency table.
    pub(crate) async fn create(dynamodb: &AwsJson, prefix: &str, ledger_key: &str) -> Result<Self> {
        let (ledger, views) = (format!("{prefix}-ledger"), format!("{prefix}-views"));
        create(dynamodb, &ledger, &[ledger_key]).await?;
        create(dynamodb, &views, &["pk", "sk"]).await?;
        Ok(Self {
            dynamodb: dynamodb.clone(),
            ledger,
            views,
        })
    }

    /// Every row of the effects, in DynamoDB's own JSON, by key.
    pub(crate) async fn view_rows(&self) -> Result<BTreeMap<String, Value>> {
        let rows = self.rows_of(&self.views).await?;
        let text = |row: &Value, name: &str| row[name]["S"].as_str().unwrap_or_default().to_owned();
        Ok(rows
            .into_iter()
            .map(|row| (format!("{}|{}", text(&row, "pk"), text(&row, "sk")), row))
            .collect())
    }

    /// How many messages are in the ledger.
    pub(crate) async fn ledger_rows(&self) -> Result<usize> {
        Ok(self.rows_of(&self.ledger).await?.len())
    }

    /// How many rows of both tables may be larger than one write unit covers; JSON is never shorter than the item itself.
    pub(crate) async fn rows_over_one_unit(&self) -> Result<usize> {
        let rows = [self.rows_of(&self.ledger).await?, self.rows_of(&self.views).await?];
        Ok(rows
            .iter()
            .flatten()
            .filter(|row| row.to_string().len() > WRITE_UNIT_BYTES)
            .count())
    }

    pub(crate) async fn delete(self) -> Result<()> {
        for table in [&self.ledger, &self.views] {
            self.dynamodb
                .call("DeleteTable", &json!({ "TableName": table }))
                .await?;
        }
        Ok(())
    }

    async fn rows_of(&self, table: &str) -> Result<Vec<Value>> {
        let mut rows = Vec::new();
        let mut scan = json!({ "TableName": table, "ConsistentRead": true });
        loop {
            let mut page = self
                .dynamodb
                .call("Scan", &scan)
                .await
                .with_context(|| format!("cannot read {table}"))?;
            rows.extend(page["Items"].as_array_mut().map(std::mem::take).unwrap_or_default());
            match page.get("LastEvaluatedKey") {
                Some(last) => scan["ExclusiveStartKey"] = last.clone(),
                None => return Ok(rows),
            }
        }
    }
}

async fn create(dynamodb: &AwsJson, table: &str, keys: &[&str]) -> Result<()> {
    let schema: Vec<_> = keys
        .iter()
        .zip(["HASH", "RANGE"])
        .map(|(key, kind)| json!({ "AttributeName": key, "KeyType": kind }))
        .collect();
    let attributes: Vec<_> = keys
        .iter()
        .map(|key| json!({ "AttributeName": key, "AttributeType": "S" }))
        .collect();
    let input = json!({
        "TableName": table,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": schema,
        "AttributeDefinitions": attributes,
    });
    dynamodb
        .call("CreateTable", &input)
        .await
        .with_context(|| format!("cannot make table {table}"))?;
    Ok(())
}
