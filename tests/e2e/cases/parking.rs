//! What cannot be handled ends in the dead-letter queue, with its reason, and as it came.

use std::time::Duration;

use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::MessageAttributeValue;
use onecommit_aws::S3Payloads;
use onecommit_environment::{Environment, Timestamp};
use onecommit_event::Event;
use onecommit_event::claim_check::PayloadStore;
use serde_json::{Value, json};

use crate::aws::{Attributes, Aws, text};
use crate::dead_letters::DeadLetter;
use crate::events::{json_of, order_created, unique};
use crate::local_aws;

/// The largest message that SQS takes.
const MESSAGE_BYTES_MAX: usize = 1024 * 1024;

pub(super) async fn malformed_json_is_parked() {
    let marker = unique("malformed");
    is_parked(
        &format!("{{\"orderId\": \"{marker}\", "),
        &marker,
        "MalformedBody",
        "EOF while parsing",
    )
    .await;
}

pub(super) async fn an_event_without_a_required_field_is_parked() {
    let mut event = json_of(&order_created());
    event.as_object_mut().unwrap().remove("timestamp");
    is_parked(
        &event.to_string(),
        id_in(&event),
        "InvalidEvent",
        "timestamp: it is missing",
    )
    .await;
}

pub(super) async fn an_event_with_a_field_of_the_wrong_type_is_parked() {
    let mut event = json_of(&order_created());
    event["metadata"] = json!("none");
    is_parked(
        &event.to_string(),
        id_in(&event),
        "InvalidEvent",
        "metadata: expected an object",
    )
    .await;
}

pub(super) async fn a_payload_that_is_not_what_its_type_promises_is_parked() {
    let mut event = json_of(&order_created());
    event["payload"]["total"] = json!("25 euros");
    is_parked(
        &event.to_string(),
        id_in(&event),
        "InvalidPayload",
        "total: expected an object",
    )
    .await;
}

pub(super) async fn an_event_type_that_nobody_handles_is_parked() {
    let mut event = json_of(&order_created());
    event["eventType"] = json!("OrderTeleported");
    is_parked(&event.to_string(), id_in(&event), "UnknownEventType", "OrderTeleported").await;
}

pub(super) async fn an_sns_envelope_without_a_message_is_parked() {
    let marker = unique("envelope");
    let envelope =
        json!({"Type": "Notification", "TopicArn": "arn:aws:sns:eu-west-1:000000000000:t", "MessageId": marker});
    is_parked(&envelope.to_string(), &marker, "InvalidEnvelope", "without a Message").await;
}

pub(super) async fn an_event_from_the_future_is_parked() {
    let event = in_an_hour(&order_created());
    is_parked(
        &event.to_json(),
        &event.id().to_string(),
        "FutureTimestamp",
        "ahead of this clock",
    )
    .await;
}

pub(super) async fn a_parked_message_keeps_its_attributes_even_those_that_are_no_utf8() {
    let marker = unique("attributes");
    let letter = is_parked(&marker, &marker, "MalformedBody", "").await;
    let bytes = letter.attributes["Thumbnail"].binary_value().map(Blob::as_ref);
    assert_eq!(bytes, Some(NO_UTF8), "byte by byte");
}

pub(super) async fn a_body_without_room_for_a_reason_is_kept_in_the_bucket() {
    let (aws, marker) = (Aws::connect(), unique("huge"));
    let body = format!("{marker}{}", "x".repeat(MESSAGE_BYTES_MAX - marker.len()));
    aws.send_body(&body, Attributes::new()).await;
    let letter = aws.dead_letters().with("parkedBody").await;
    assert_eq!(
        (letter.moved_from.as_deref(), letter.reason()),
        (None, Some("MalformedBody"))
    );
    let pointer: Value = serde_json::from_str(&letter.body).unwrap();
    let key = pointer["parkedBody"]["key"].as_str().unwrap();
    let detail = letter.detail();
    let sha256 = detail["body"]["sha256"].as_str().unwrap();
    assert!(key.ends_with(sha256), "{key}, {detail}");
    let bucket = aws.deployment.output("ClaimCheckBucketName").to_owned();
    let kept = S3Payloads::new(aws.session.clone(), bucket);
    assert_eq!(kept.get(key, MESSAGE_BYTES_MAX as u64).await.unwrap(), body);
}

/// Sends a body that cannot be handled, with attributes, and expects it parked for this reason, in such words, unchanged.
async fn is_parked(body: &str, marker: &str, reason: &str, words: &str) -> DeadLetter {
    let aws = Aws::connect();
    let message_id = aws.send_body(body, attributes()).await;
    let letter = aws.dead_letters().with(marker).await;
    assert_eq!(letter.reason(), Some(reason));
    assert!(
        letter.text("ParkedError").is_some_and(|error| error.contains(words)),
        "{letter:?}"
    );
    has_its_detail(&letter.detail(), &message_id);
    assert_eq!(as_delivered(&letter.body), as_delivered(body));
    for (name, value) in attributes() {
        assert_eq!(letter.attributes.get(&name), Some(&value), "{name}");
    }
    assert_eq!(
        letter.moved_from, None,
        "the consumer parked it at once, not the queue after many deliveries"
    );
    letter
}

/// A body as far as it can be told from another: LocalStack's event source mapping reads JSON and writes it anew, with other
/// spaces, before a function sees it.
fn as_delivered(body: &str) -> String {
    let json = if local_aws::is_localstack() {
        serde_json::from_str::<Value>(body).ok()
    } else {
        None
    };
    json.map_or_else(|| body.to_owned(), |json| json.to_string())
}

fn has_its_detail(detail: &Value, message_id: &str) {
    assert_eq!(detail["consumer"], "orders-view");
    assert_eq!(detail["sourceMessageId"], message_id);
    assert!(detail["receiveCount"].as_u64() >= Some(1), "{detail}");
    assert!(
        Timestamp::parse(detail["parkedAt"].as_str().unwrap()).is_ok(),
        "{detail}"
    );
}

const NO_UTF8: &[u8] = &[0xff, 0xfe, 0x00, 0xc3, 0x28];

fn attributes() -> Attributes {
    let number = MessageAttributeValue::builder()
        .data_type("Number")
        .string_value("7")
        .build()
        .unwrap();
    let bytes = MessageAttributeValue::builder()
        .data_type("Binary.png")
        .binary_value(Blob::new(NO_UTF8))
        .build()
        .unwrap();
    vec![
        ("Tenant".to_owned(), text("tea-house")),
        ("Attempt".to_owned(), number),
        ("Thumbnail".to_owned(), bytes),
    ]
}

fn id_in(event: &Value) -> &str {
    event["eventId"].as_str().unwrap()
}

/// The same event, told to happen in an hour: further ahead than any clock is off.
pub(crate) fn in_an_hour(event: &Event) -> Event {
    let in_an_hour = Environment::system().clock().now().plus(Duration::from_secs(3600));
    event.clone().with_timestamp(in_an_hour)
}
