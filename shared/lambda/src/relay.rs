//! The stream of the events table, handed to the relay.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::event::dynamodb::EventRecord;
use aws_lambda_events::event::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use onecommit_commit::{Deadline, Item, Value};
use onecommit_environment::Timestamp;
use onecommit_relay::{Outcome, Recovered, Relay, RelayTally, StreamRecord};
use onecommit_telemetry::MetricLine;
use serde::{Deserialize, Serialize};
use serde_dynamo::AttributeValue;
use tracing::{info, warn};

/// How records that have to come back are told to Lambda.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failures {
    /// By their sequence numbers: the event source mapping has `ReportBatchItemFailures` on.
    Reported,
    /// By failing the invocation, so that the whole batch comes back: for event source mappings that know no better. The
    /// relay remembers what left, so little is published again.
    FailInvocation,
}

/// What the relay's function is invoked with.
#[derive(Debug, Deserialize)]
struct Request {
    /// From the stream.
    #[serde(default, rename = "Records")]
    records: Vec<EventRecord>,
    /// From the schedule, or by hand.
    task: Option<Task>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Task {
    /// Publish what never left.
    Recover,
}

/// What the relay's function answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Response {
    Relayed(DynamoDbEventResponse),
    #[serde(rename_all = "camelCase")]
    Recovered {
        found: u64,
        left_over: u64,
        complete: bool,
    },
}

/// Serves stream batches, and the recovery of events older than `recover_after`, until the environment ends.
///
/// # Errors
/// When the Lambda runtime API cannot be reached.
pub async fn serve_relay(relay: Relay, failures: Failures, recover_after: Duration) -> Result<(), Error> {
    let relay = Arc::new(relay);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Request>| {
        let relay = Arc::clone(&relay);
        async move {
            let now_ms = u64::try_from(relay.environment().clock().now().unix_ms()).unwrap_or(0);
            let remaining = Duration::from_millis(event.context.deadline.saturating_sub(now_ms));
            let deadline = Deadline::after(remaining, relay.environment().clock());
            let answer = match event.payload.task {
                Some(Task::Recover) => recover(&relay, recover_after, deadline).await,
                None => relay_batch(&relay, event.payload.records, failures, deadline).await,
            };
            // Before the answer: the function freezes after it.
            emit(&relay.take_tally(), relay.environment().clock().now());
            answer
        }
    }))
    .await
}

async fn recover(relay: &Relay, after: Duration, deadline: Deadline) -> Result<Response, Error> {
    let recovered = relay.recover(after, deadline).await?;
    if recovered.found > 0 || !recovered.complete {
        info!(?recovered, "events had not left");
    }
    let Recovered {
        found,
        left_over,
        complete,
    } = recovered;
    Ok(Response::Recovered {
        found,
        left_over,
        complete,
    })
}

async fn relay_batch(
    relay: &Relay,
    records: Vec<EventRecord>,
    failures: Failures,
    deadline: Deadline,
) -> Result<Response, Error> {
    let (sequence_numbers, records): (Vec<Option<String>>, Vec<StreamRecord>) =
        records.into_iter().filter_map(inserted).unzip();
    let outcomes = relay.relay(&records, deadline).await;
    let mut response = DynamoDbEventResponse::default();
    for (sequence_number, outcome) in sequence_numbers.into_iter().zip(outcomes) {
        if let Outcome::Retry(why) = outcome {
            warn!(record = sequence_number, error = why, "comes back");
            if failures == Failures::FailInvocation {
                return Err(why.into());
            }
            let mut failure = DynamoDbBatchItemFailure::default();
            failure.item_identifier = sequence_number;
            response.batch_item_failures.push(failure);
        }
    }
    Ok(Response::Relayed(response))
}

/// The row of an insertion with its place in the stream; none for changes and removals, which publish nothing.
fn inserted(record: EventRecord) -> Option<(Option<String>, StreamRecord)> {
    if record.event_name != "INSERT" {
        return None;
    }
    let change = record.change;
    let row = StreamRecord {
        written_at: Timestamp::from_unix_ms(change.approximate_creation_date_time.timestamp_millis()),
        row: item(change.new_image.into_inner()),
    };
    Some((change.sequence_number, row))
}

fn item(attributes: HashMap<String, AttributeValue>) -> Item {
    attributes
        .into_iter()
        .map(|(name, attribute)| (name, value(attribute)))
        .collect()
}

fn value(attribute: AttributeValue) -> Value {
    match attribute {
        AttributeValue::Bool(flag) => Value::Bool(flag),
        AttributeValue::N(text) => Value::Number(text),
        AttributeValue::S(text) => Value::String(text),
        AttributeValue::B(bytes) => Value::Bytes(bytes),
        AttributeValue::L(values) => Value::List(values.into_iter().map(value).collect()),
        AttributeValue::M(attributes) => Value::Map(item(attributes)),
        AttributeValue::Null(_) => Value::Null,
        AttributeValue::Ss(texts) => Value::List(texts.into_iter().map(Value::String).collect()),
        AttributeValue::Ns(numbers) => Value::List(numbers.into_iter().map(Value::Number).collect()),
        AttributeValue::Bs(blobs) => Value::List(blobs.into_iter().map(Value::Bytes).collect()),
    }
}

#[allow(clippy::print_stdout, reason = "CloudWatch reads metrics from standard output")]
fn emit(tally: &RelayTally, now: Timestamp) {
    if *tally == RelayTally::default() {
        return;
    }
    let line = MetricLine::of_consumer("relay")
        .count("Published", tally.published)
        .count("Parked", tally.parked)
        .count("HeldBack", tally.held_back)
        .count("Fetched", tally.fetched)
        .count("GapsPassed", tally.gaps_passed)
        .milliseconds("RelayLag", &tally.lags);
    println!("{}", line.to_json(now));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(name: &str, row: &serde_json::Value) -> serde_json::Value {
        json!({
            "eventID": "1", "eventName": name, "eventVersion": "1.1", "eventSource": "aws:dynamodb",
            "awsRegion": "eu-west-1",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_800_000_000.0, "SequenceNumber": "42", "SizeBytes": 7,
                "StreamViewType": "NEW_IMAGE", "NewImage": row,
                "Keys": {"stream": {"S": "Order#1"}, "version": {"N": "1"}},
            },
        })
    }

    #[test]
    fn an_insertion_becomes_a_record_and_everything_else_is_passed_over() {
        let row = json!({"stream": {"S": "Order#1"}, "version": {"N": "1"}, "event": {"S": "{}"}});
        let records = ["INSERT", "MODIFY", "REMOVE"].map(|name| record(name, &row));
        let request: Request = serde_json::from_value(json!({ "Records": records })).unwrap();
        let records: Vec<_> = request.records.into_iter().filter_map(inserted).collect();
        let [(sequence_number, record)] = &records[..] else {
            panic!("{records:?}")
        };
        assert_eq!(sequence_number.as_deref(), Some("42"));
        assert_eq!(record.written_at.unix_ms(), 1_800_000_000_000);
        assert_eq!(record.row["version"].as_u64(), Some(1));
        assert_eq!(record.row["stream"].as_str(), Some("Order#1"));
    }

    #[test]
    fn the_schedule_asks_for_a_recovery() {
        let request: Request = serde_json::from_value(json!({"task": "recover"})).unwrap();
        assert!(request.records.is_empty() && matches!(request.task, Some(Task::Recover)));
    }
}
