//! The stream of the events table, handed to the relay.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::event::dynamodb::EventRecord;
use aws_lambda_events::event::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use onecommit_engine::{Deadline, Item, Value};
use onecommit_environment::Timestamp;
use onecommit_relay::{Outcome, Recovered, Relay, RelayTally, StreamRecord};
use onecommit_telemetry::MetricLine;
use serde::{Deserialize, Serialize};
use serde_dynamo::AttributeValue;
use tracing::{info, warn};

use crate::invocation::{Invoked, Trigger, in_span};

/// How records to be retried are reported to Lambda.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failures {
    /// By their sequence numbers: the event source mapping has `ReportBatchItemFailures` on.
    Reported,
    /// By failing the invocation, so that the whole batch is retried: for event source mappings without partial responses.
    /// The relay remembers published events, so few are published again.
    FailInvocation,
}

/// What the relay's function is invoked with.
#[derive(Debug, Deserialize)]
struct Request {
    /// From the stream.
    #[serde(rename = "Records")]
    records: Option<Vec<EventRecord>>,
    /// From the schedule, or by hand.
    task: Option<Task>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Task {
    /// Publish unpublished events.
    Recover,
}

/// What the relay was invoked with is nothing that it can do. The invocation fails: to succeed would mean that the events
/// were published.
#[derive(Debug, PartialEq)]
enum NotForRelay {
    /// Neither records nor a task.
    Nothing,
    /// Records of another source, which it names.
    Source(String),
}

impl fmt::Display for NotForRelay {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => formatter.write_str(
                "the relay takes a batch of a DynamoDB stream, `Records`, or `{\"task\": \"recover\"}`; the invocation has \
                 neither",
            ),
            Self::Source(source) => write!(
                formatter,
                "the relay handles records of a DynamoDB stream, not of {source:?}; connect it to the stream of the events table"
            ),
        }
    }
}

impl std::error::Error for NotForRelay {}

/// What there is to do.
#[derive(Debug)]
enum Work {
    Relay(Vec<EventRecord>),
    Recover,
}

impl Request {
    fn work(self) -> Result<Work, NotForRelay> {
        let records = match (self.task, self.records) {
            (Some(Task::Recover), _) => return Ok(Work::Recover),
            (None, Some(records)) => records,
            (None, None) => return Err(NotForRelay::Nothing),
        };
        let sources = records.iter().filter_map(|record| record.event_source.as_deref());
        match sources.into_iter().find(|source| *source != "aws:dynamodb") {
            Some(other) => Err(NotForRelay::Source(other.chars().take(64).collect())),
            None => Ok(Work::Relay(records)),
        }
    }
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
        stuck: u64,
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
            let (environment, invoked) = (relay.environment(), Invoked::by(&event.context));
            let answer = match event.payload.work()? {
                Work::Recover => {
                    let recovering = recover(&relay, recover_after, deadline);
                    in_span(environment, &invoked, Trigger::Schedule, recovering).await
                }
                Work::Relay(records) => {
                    let relaying = relay_batch(&relay, records, failures, deadline);
                    in_span(environment, &invoked, Trigger::Messages, relaying).await
                }
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
        info!(?recovered, "recovery found unpublished events");
    }
    let Recovered {
        found,
        left_over,
        stuck,
        complete,
    } = recovered;
    Ok(Response::Recovered {
        found,
        left_over,
        stuck,
        complete,
    })
}

async fn relay_batch(
    relay: &Relay,
    records: Vec<EventRecord>,
    failures: Failures,
    deadline: Deadline,
) -> Result<Response, Error> {
    let now = relay.environment().clock().now();
    let inserted = records.into_iter().filter_map(|record| inserted(record, now));
    let (sequence_numbers, records): (Vec<Option<String>>, Vec<StreamRecord>) = inserted.unzip();
    let outcomes = relay.relay(&records, deadline).await;
    let mut response = DynamoDbEventResponse::default();
    for (sequence_number, outcome) in sequence_numbers.into_iter().zip(outcomes) {
        if let Outcome::Retry(why) = outcome {
            warn!(record = sequence_number, error = why, "stream record will be retried");
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
fn inserted(record: EventRecord, now: Timestamp) -> Option<(Option<String>, StreamRecord)> {
    if record.event_name != "INSERT" {
        return None;
    }
    let change = record.change;
    let row = item(change.new_image.into_inner());
    let written_at = match change.approximate_creation_date_time.timestamp_millis() {
        // A record may be without its time. The event in it has one, and is hardly older than its row.
        0 => time_of(&row).unwrap_or(now),
        milliseconds => Timestamp::from_unix_ms(milliseconds),
    };
    Some((change.sequence_number, StreamRecord { written_at, row }))
}

fn time_of(row: &Item) -> Option<Timestamp> {
    Timestamp::parse(row.get("timestamp")?.as_str()?).ok()
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
        AttributeValue::Bs(blobs) => Value::ByteSet(blobs.into_iter().collect()),
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
        .count("Stuck", tally.stuck)
        .count("DestinationGone", tally.destinations_gone)
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

    const NOW: &str = "2026-11-27T00:00:00.000Z";

    fn now() -> Timestamp {
        Timestamp::parse(NOW).unwrap()
    }

    fn work(request: &serde_json::Value) -> Result<Work, NotForRelay> {
        serde_json::from_value::<Request>(request.clone()).unwrap().work()
    }

    fn inserted_of(request: &serde_json::Value) -> Vec<(Option<String>, StreamRecord)> {
        match work(request) {
            Ok(Work::Relay(records)) => records
                .into_iter()
                .filter_map(|record| inserted(record, now()))
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_record_without_its_time_is_as_old_as_its_event() {
        for (timestamp, expected) in [("2026-11-22T07:00:00.000Z", "2026-11-22T07:00:00.000Z"), ("?", NOW)] {
            let row = json!({"stream": {"S": "Order#1"}, "version": {"N": "1"}, "timestamp": {"S": timestamp}});
            let mut record = record("INSERT", &row);
            record["dynamodb"]
                .as_object_mut()
                .unwrap()
                .remove("ApproximateCreationDateTime");
            let records = inserted_of(&json!({"Records": [record]}));
            assert_eq!(records[0].1.written_at.to_string(), expected);
        }
    }

    #[test]
    fn what_is_not_a_stream_batch_fails_the_invocation() {
        assert_eq!(work(&json!({})).unwrap_err(), NotForRelay::Nothing);
        assert_eq!(
            work(&json!({"detail-type": "ParcelPosted"})).unwrap_err(),
            NotForRelay::Nothing
        );
        let row = json!({"stream": {"S": "Order#1"}, "version": {"N": "1"}});
        let mut record = record("INSERT", &row);
        record["eventSource"] = json!("aws:kinesis");
        let error = work(&json!({"Records": [record]})).unwrap_err();
        assert!(error.to_string().contains("aws:kinesis"), "{error}");
        let of_sqs = json!({"Records": [{"messageId": "m-1", "body": "{}", "eventSource": "aws:sqs"}]});
        assert!(serde_json::from_value::<Request>(of_sqs).is_err());
    }

    #[test]
    fn an_insertion_becomes_a_record_and_everything_else_is_passed_over() {
        let row = json!({"stream": {"S": "Order#1"}, "version": {"N": "1"}, "event": {"S": "{}"}});
        let records = ["INSERT", "MODIFY", "REMOVE"].map(|name| record(name, &row));
        let records: Vec<_> = inserted_of(&json!({ "Records": records }));
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
        assert!(matches!(work(&json!({"task": "recover"})), Ok(Work::Recover)));
    }
}
