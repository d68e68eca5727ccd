//! An SQS consumer as most people write it by hand: records in turn, three DynamoDB calls each
//! (claim the event, apply the effect, mark the event done), and a partial batch response.

use std::env;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use aws_lambda_events::sns::SnsMessage;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde::Deserialize;
use serde_json::Value;

const RETENTION_SECONDS: u64 = 30 * 24 * 3600;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    event_id: String,
    event_type: String,
    aggregate_id: String,
    timestamp: String,
    payload: OrderCreated,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OrderCreated {
    customer_id: String,
    items: Vec<Value>,
    total: Money,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Money {
    minor_units: i64,
    currency: String,
}

struct Tables {
    idempotency: String,
    views: String,
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config::load_from_env().await;
    let client = Client::new(&config);
    let tables = Tables {
        idempotency: env::var("LEDGER_TABLE_NAME")?,
        views: env::var("VIEWS_TABLE_NAME")?,
    };
    let (client, tables) = (&client, &tables);
    run(service_fn(move |event: LambdaEvent<SqsEvent>| handle_batch(client, tables, event.payload))).await
}

async fn handle_batch(client: &Client, tables: &Tables, batch: SqsEvent) -> Result<SqsBatchResponse, Error> {
    let mut response = SqsBatchResponse::default();
    for message in batch.records {
        let message_id = message.message_id.clone().unwrap_or_default();
        if handle_message(client, tables, message).await.is_err() {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message_id;
            response.batch_item_failures.push(failure);
        }
    }
    Ok(response)
}

async fn handle_message(client: &Client, tables: &Tables, message: SqsMessage) -> Result<(), Error> {
    let envelope: SnsMessage = serde_json::from_str(message.body.as_deref().unwrap_or_default())?;
    let event: Event = serde_json::from_str(&envelope.message)?;
    if event.event_type != "OrderCreated" {
        return Err("unknown event type".into());
    }
    if !claim(client, &tables.idempotency, &event.event_id).await? {
        return Ok(());
    }
    apply(client, &tables.views, &event).await?;
    complete(client, &tables.idempotency, &event.event_id).await
}

/// Whether this event is ours to handle: false when somebody already did.
async fn claim(client: &Client, table: &str, event_id: &str) -> Result<bool, Error> {
    let expires_at = now_seconds() + RETENTION_SECONDS;
    let claimed = client
        .put_item()
        .table_name(table)
        .item("pk", AttributeValue::S(event_id.to_owned()))
        .item("status", AttributeValue::S("INPROGRESS".to_owned()))
        .item("ttl", AttributeValue::N(expires_at.to_string()))
        .condition_expression("attribute_not_exists(pk)")
        .send()
        .await;
    match claimed {
        Ok(_) => Ok(true),
        Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

async fn apply(client: &Client, table: &str, event: &Event) -> Result<(), Error> {
    client
        .update_item()
        .table_name(table)
        .key("pk", AttributeValue::S(format!("order#{}", event.aggregate_id)))
        .key("sk", AttributeValue::S("summary".to_owned()))
        .update_expression(
            "SET customerId = :customer, itemCount = :items, totalMinorUnits = :total, currency = :currency, \
             createdAt = :at ADD appliedCount :one",
        )
        .expression_attribute_values(":customer", AttributeValue::S(event.payload.customer_id.clone()))
        .expression_attribute_values(":items", AttributeValue::N(event.payload.items.len().to_string()))
        .expression_attribute_values(":total", AttributeValue::N(event.payload.total.minor_units.to_string()))
        .expression_attribute_values(":currency", AttributeValue::S(event.payload.total.currency.clone()))
        .expression_attribute_values(":at", AttributeValue::S(event.timestamp.clone()))
        .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
        .send()
        .await?;
    Ok(())
}

async fn complete(client: &Client, table: &str, event_id: &str) -> Result<(), Error> {
    client
        .update_item()
        .table_name(table)
        .key("pk", AttributeValue::S(event_id.to_owned()))
        .update_expression("SET #status = :done")
        .expression_attribute_names("#status", "status")
        .expression_attribute_values(":done", AttributeValue::S("COMPLETED".to_owned()))
        .send()
        .await?;
    Ok(())
}

fn now_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}
