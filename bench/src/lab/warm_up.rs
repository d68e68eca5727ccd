//! DynamoDB Local compiles itself while it runs, and is several times slower before it has: the first contestants would pay
//! for the others. So it gets some ten thousand requests of every kind the contestants send before anything is measured.

use std::iter;

use anyhow::Result;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::lab::aws_json::AwsJson;
use crate::lab::tables::Tables;

const SIDE_BY_SIDE: usize = 10;

/// Sends `times` rounds of requests, ten at a time, to tables that are gone afterwards.
pub(crate) async fn warm_up(dynamodb: &AwsJson, times: usize) -> Result<()> {
    let tables = Tables::create(dynamodb, "warm-up", "pk").await?;
    for _ in 0..times {
        let orders: Vec<_> = iter::repeat_with(|| Uuid::new_v4().to_string())
            .take(SIDE_BY_SIDE)
            .collect();
        side_by_side(
            dynamodb,
            "PutItem",
            orders.iter().map(|order| claim(&tables, "single", order)),
        )
        .await?;
        side_by_side(
            dynamodb,
            "UpdateItem",
            orders.iter().map(|order| effect(&tables, order)),
        )
        .await?;
        let each = |order: &String| transaction(&tables, "one", iter::once(order));
        side_by_side(dynamodb, "TransactWriteItems", orders.iter().map(each)).await?;
        side_by_side(
            dynamodb,
            "TransactWriteItems",
            iter::once(transaction(&tables, "group", orders.iter())),
        )
        .await?;
    }
    tables.delete().await
}

async fn side_by_side(dynamodb: &AwsJson, operation: &'static str, inputs: impl Iterator<Item = Value>) -> Result<()> {
    let mut calls = JoinSet::new();
    for input in inputs {
        let dynamodb = dynamodb.clone();
        calls.spawn(async move { dynamodb.call(operation, &input).await.map(drop) });
    }
    while let Some(done) = calls.join_next().await {
        done??;
    }
    Ok(())
}

fn transaction<'a>(tables: &Tables, name: &str, orders: impl Iterator<Item = &'a String>) -> Value {
    let actions = orders.flat_map(|order| {
        [
            json!({ "Put": claim(tables, name, order) }),
            json!({ "Update": effect(tables, order) }),
        ]
    });
    json!({ "ClientRequestToken": Uuid::new_v4(), "TransactItems": actions.collect::<Vec<_>>() })
}

fn claim(tables: &Tables, name: &str, order: &str) -> Value {
    json!({
        "TableName": tables.ledger,
        "Item": { "pk": { "S": format!("{name}#{order}") }, "ttl": { "N": "1" } },
        "ConditionExpression": "attribute_not_exists(pk)",
    })
}

fn effect(tables: &Tables, order: &str) -> Value {
    json!({
        "TableName": tables.views,
        "Key": { "pk": { "S": format!("order#{order}") }, "sk": { "S": "summary" } },
        "UpdateExpression": "SET currency = :currency ADD appliedCount :one",
        "ExpressionAttributeValues": { ":currency": { "S": "EUR" }, ":one": { "N": "1" } },
    })
}
