//! The tables of one run: made before it, read after it, dropped with it.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};

/// A row as DynamoDB gives it.
pub(crate) type Row = std::collections::HashMap<String, AttributeValue>;

/// An idempotency table and a table for the effects.
#[derive(Debug, Clone)]
pub(crate) struct Tables {
    client: Client,
    pub(crate) ledger: String,
    pub(crate) views: String,
}

impl Tables {
    /// Makes both; `ledger_key` is what the contestant calls the key of its idempotency table.
    pub(crate) async fn create(client: &Client, prefix: &str, ledger_key: &str) -> Result<Self> {
        let tables = Self {
            client: client.clone(),
            ledger: format!("{prefix}-ledger"),
            views: format!("{prefix}-views"),
        };
        create(client, &tables.ledger, &[ledger_key]).await?;
        create(client, &tables.views, &["pk", "sk"]).await?;
        Ok(tables)
    }

    /// Every row of the effects, by key.
    pub(crate) async fn view_rows(&self) -> Result<BTreeMap<String, Row>> {
        let rows = self.rows_of(&self.views).await?;
        let key = |row: &Row| format!("{}|{}", text(row, "pk"), text(row, "sk"));
        Ok(rows.into_iter().map(|row| (key(&row), row)).collect())
    }

    /// How many messages are in the ledger.
    pub(crate) async fn ledger_rows(&self) -> Result<usize> {
        Ok(self.rows_of(&self.ledger).await?.len())
    }

    pub(crate) async fn delete(self) -> Result<()> {
        for table in [&self.ledger, &self.views] {
            self.client.delete_table().table_name(table).send().await?;
        }
        Ok(())
    }

    async fn rows_of(&self, table: &str) -> Result<Vec<Row>> {
        let mut scan = self
            .client
            .scan()
            .table_name(table)
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut rows = Vec::new();
        while let Some(row) = scan.try_next().await.with_context(|| format!("cannot read {table}"))? {
            rows.push(row);
        }
        Ok(rows)
    }
}

/// A client without retries or TLS, for a local endpoint.
pub(crate) fn client_for(url: &str) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(Credentials::new("bench", "bench", None, None, "bench"))
        .region(Region::new("us-east-1"))
        .endpoint_url(url)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}

async fn create(client: &Client, table: &str, keys: &[&str]) -> Result<()> {
    let mut request = client
        .create_table()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest);
    for (name, kind) in keys.iter().zip([KeyType::Hash, KeyType::Range]) {
        request = request.key_schema(
            KeySchemaElement::builder()
                .attribute_name(*name)
                .key_type(kind)
                .build()?,
        );
        let attribute = AttributeDefinition::builder()
            .attribute_name(*name)
            .attribute_type(ScalarAttributeType::S);
        request = request.attribute_definitions(attribute.build()?);
    }
    request
        .send()
        .await
        .with_context(|| format!("cannot make table {table}"))?;
    Ok(())
}

fn text<'a>(row: &'a Row, name: &str) -> &'a str {
    row.get(name)
        .and_then(|value| value.as_s().ok())
        .map_or("", String::as_str)
}
