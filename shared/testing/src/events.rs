use onecommit_engine::Delivery;
use onecommit_environment::Environment;
use onecommit_event::{Aggregate, Event, Payload};
use serde_json::json;

/// An event with a new id that happened now, as a queue carries it.
///
/// # Panics
/// When the aggregate's type or id is not valid.
#[allow(clippy::expect_used, reason = "a mistake in the test ends the test")]
pub fn an_event<P: Payload>(aggregate_type: &str, aggregate_id: &str, payload: P) -> Event {
    a_typed_event(aggregate_type, aggregate_id, payload)
        .into_raw()
        .expect("the payload of a test event is an object")
}

/// An event with a new id that happened now, as a handler gets it: call the handler and look at the commit it returns.
///
/// # Panics
/// When the aggregate's type or id is not valid.
#[allow(clippy::expect_used, reason = "a mistake in the test ends the test")]
pub fn a_typed_event<P: Payload>(aggregate_type: &str, aggregate_id: &str, payload: P) -> Event<P> {
    let aggregate = Aggregate::new(aggregate_type, aggregate_id).expect("the aggregate of a test event is valid");
    Event::new(aggregate, payload, &Environment::system())
}

/// The body SQS delivers for an event that came over SNS.
#[must_use]
pub fn in_sns_notification(event: &Event) -> String {
    json!({
        "Type": "Notification",
        "MessageId": event.id().to_string(),
        "TopicArn": "arn:aws:sns:eu-west-1:000000000000:events",
        "Message": event.to_json(),
        "Timestamp": event.timestamp().to_string(),
        "SignatureVersion": "1",
        "MessageAttributes": {"EventType": {"Type": "String", "Value": event.event_type()}},
    })
    .to_string()
}

/// The body SQS delivers for an event that came over EventBridge, whose JSON is written anew on the way: the same value
/// with other spaces, order and notation.
#[must_use]
pub fn in_event_bridge_event(event: &Event) -> String {
    let envelope = json!({
        "version": "0", "id": event.id().to_string(), "detail-type": event.event_type(), "source": "shop.orders",
        "account": "000000000000", "time": event.timestamp().to_string(), "region": "eu-west-1", "resources": [],
    });
    with_member(&envelope, "detail", &anew(event))
}

/// A CloudEvents 1.0 event in structured mode whose data is the event.
#[must_use]
pub fn in_cloud_event(event: &Event) -> String {
    let envelope = json!({
        "specversion": "1.0", "id": event.id().to_string(), "source": "shop.orders", "type": event.event_type(),
    });
    with_member(&envelope, "data", &event.to_json())
}

/// No value goes through a tree, which would round numbers.
fn anew(event: &Event) -> String {
    let json = event.to_json();
    let raw = onecommit_json::raw(&json).ok();
    raw.and_then(onecommit_json::canonical)
        .map_or(json.clone(), |canonical| canonical.text)
}

fn with_member(envelope: &serde_json::Value, name: &str, value: &str) -> String {
    let mut body = envelope.to_string();
    body.truncate(body.len() - 1);
    body + ",\"" + name + "\":" + value + "}"
}

/// A first delivery of a body.
#[must_use]
pub fn delivery_of(message_id: &str, body: impl Into<String>) -> Delivery {
    Delivery {
        message_id: message_id.to_owned(),
        receipt: format!("receipt-of-{message_id}"),
        body: body.into(),
        receive_count: 1,
        ..Delivery::default()
    }
}
