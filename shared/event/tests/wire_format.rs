//! The wire format is fixed: other languages speak it. These tests hold us to it.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use onecommit_event::{Event, EventErrorKind, EventId, Received, Route};
use proptest::prelude::*;
use serde_json::{Value, json};

fn wire() -> Value {
    json!({
        "eventId": "0192f0c1-0000-7000-8000-000000000001", "eventType": "OrderCreated",
        "aggregateId": "ord_01", "aggregateType": "Order", "timestamp": "2026-11-22T07:00:00.000Z",
        "payload": {"total": {"minorUnits": 2500, "currency": "EUR"}},
        "metadata": {"correlationId": "c-1", "causationId": "c-0", "userId": "usr_1", "sequence": 7,
                     "schemaVersion": 1, "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    })
}

fn without(pointer: &str) -> String {
    let mut event = wire();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    event
        .pointer_mut(parent)
        .unwrap()
        .as_object_mut()
        .unwrap()
        .remove(name)
        .unwrap();
    event.to_string()
}

fn with(pointer: &str, value: Value) -> String {
    let mut event = wire();
    *event.pointer_mut(pointer).unwrap() = value;
    event.to_string()
}

fn read_back(json: &str) -> Value {
    serde_json::from_str(&Event::from_json(json).unwrap().to_json()).unwrap()
}

#[test]
fn an_event_is_written_exactly_as_it_was_read() {
    assert_eq!(read_back(&wire().to_string()), wire());
}

#[test]
fn fields_are_written_in_the_documented_order() {
    let json = Event::from_json(&wire().to_string()).unwrap().to_json();
    let names = [
        "eventId",
        "eventType",
        "aggregateId",
        "aggregateType",
        "timestamp",
        "payload",
        "metadata",
    ];
    let places: Vec<usize> = names
        .iter()
        .map(|name| json.find(&format!("\"{name}\":")).unwrap())
        .collect();
    assert!(places.is_sorted(), "{json}");
}

#[test]
fn unknown_fields_are_kept_at_every_level() {
    let mut event = wire();
    event["tenant"] = json!({"id": 4, "tags": ["a"]});
    event["metadata"]["region"] = json!("eu-west-1");
    event["payload"]["note"] = json!(null);
    assert_eq!(read_back(&event.to_string()), event);
}

#[test]
fn every_required_field_is_named_when_it_is_missing() {
    for pointer in [
        "/eventId",
        "/eventType",
        "/aggregateId",
        "/aggregateType",
        "/timestamp",
        "/payload",
        "/metadata",
        "/metadata/correlationId",
        "/metadata/causationId",
    ] {
        let error = Event::from_json(&without(pointer)).unwrap_err();
        let name = pointer.rsplit('/').next().unwrap();
        assert_eq!(error.kind(), EventErrorKind::InvalidEvent, "{pointer}");
        assert!(error.to_string().contains(name), "{pointer}: {error}");
    }
}

#[test]
fn optional_fields_may_be_missing_and_the_schema_version_is_then_one() {
    for pointer in [
        "/metadata/userId",
        "/metadata/sequence",
        "/metadata/schemaVersion",
        "/metadata/traceparent",
    ] {
        Event::from_json(&without(pointer)).unwrap();
    }
    let event = Event::from_json(&without("/metadata/schemaVersion")).unwrap();
    assert_eq!(event.metadata().schema_version, 1);
}

#[test]
fn a_field_of_the_wrong_type_or_content_is_refused() {
    for (pointer, value) in [
        ("/eventId", json!(7)),
        ("/eventId", json!("not-a-uuid")),
        ("/eventType", json!("")),
        ("/eventType", json!("x".repeat(129))),
        ("/aggregateId", json!(null)),
        ("/aggregateId", json!("a\u{0}b")),
        ("/aggregateType", json!("Or#der")),
        ("/timestamp", json!("yesterday")),
        ("/timestamp", json!(1_700_000_000)),
        ("/payload", json!([1, 2])),
        ("/payload", json!("text")),
        ("/metadata", json!([])),
        ("/metadata/correlationId", json!("")),
        ("/metadata/sequence", json!(-1)),
        ("/metadata/schemaVersion", json!("one")),
    ] {
        let error = Event::from_json(&with(pointer, value.clone())).unwrap_err();
        assert_eq!(
            error.kind(),
            EventErrorKind::InvalidEvent,
            "{pointer} = {value}: {error}"
        );
    }
}

fn forms() -> Vec<(Route, String)> {
    let bare = wire().to_string();
    let attributes = json!({
        "specversion": "1.0", "id": "0192f0c1-0000-7000-8000-000000000001", "source": "shop", "type": "OrderCreated",
        "subject": "ord_01", "time": "2026-11-22T07:00:00Z", "datacontenttype": "application/json",
        "aggregatetype": "Order", "correlationid": "c-1", "causationid": "c-0", "userid": "usr_1", "sequence": "7",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "data": wire()["payload"]
    });
    let whole = json!({
        "specversion": "1.0", "id": "any", "source": "shop", "type": "onecommit.event", "data": wire()
    });
    let event_bridge = json!({
        "version": "0", "id": "x", "detail-type": "OrderCreated", "source": "shop", "account": "000000000000",
        "time": "2026-11-22T07:00:01Z", "region": "eu-west-1", "resources": [], "detail": wire()
    });
    let sns = |message: &str| {
        json!({
            "Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:eu-west-1:000000000000:events",
            "Message": message, "Timestamp": "2026-11-22T07:00:01.000Z", "SignatureVersion": "1"
        })
    };
    vec![
        (Route::Sns, sns(&bare).to_string()),
        (Route::Sns, sns(&event_bridge.to_string()).to_string()),
        (Route::Bare, bare),
        (Route::EventBridge, event_bridge.to_string()),
        (Route::CloudEvents, attributes.to_string()),
        (Route::CloudEvents, whole.to_string()),
    ]
}

#[test]
fn all_five_body_forms_hold_the_same_event() {
    for (route, body) in forms() {
        let received = Received::from_body(&body).unwrap();
        assert_eq!(received.route, route);
        assert_eq!(
            serde_json::from_str::<Value>(&received.event.to_json()).unwrap(),
            wire(),
            "{route:?}"
        );
    }
}

#[test]
fn the_fingerprint_is_the_same_by_every_route_and_another_for_another_payload() {
    let original = Event::from_json(&wire().to_string()).unwrap().fingerprint();
    for (_, body) in forms() {
        assert_eq!(Received::from_body(&body).unwrap().event.fingerprint(), original);
    }
    let tampered = Event::from_json(&with("/payload/total/minorUnits", json!(1))).unwrap();
    assert_ne!(tampered.fingerprint(), original);
}

#[test]
fn the_order_of_fields_and_white_space_leave_the_fingerprint_alone() {
    let event = |payload: &str| wire().to_string().replace(&wire()["payload"].to_string(), payload);
    let one = event(r#"{"total":{"minorUnits":2500,"currency":"EUR"},"a":1}"#);
    let other = event(r#"{ "a" : 1, "total": {"currency": "EUR", "minorUnits": 2500} }"#);
    assert_ne!(one, other);
    let fingerprint = |json: &str| Event::from_json(json).unwrap().fingerprint();
    assert_eq!(fingerprint(&one), fingerprint(&other));
}

#[test]
fn a_foreign_id_becomes_the_same_uuid_every_time() {
    let id = EventId::of_foreign("shop", "order-17");
    assert_eq!(id, EventId::of_foreign("shop", "order-17"));
    assert_ne!(id, EventId::of_foreign("other-shop", "order-17"));
}

#[test]
fn a_body_that_is_no_event_says_what_it_is_instead() {
    let deep = (0..4)
        .fold(wire(), |inner, _| json!({"detail-type": "x", "detail": inner}))
        .to_string();
    for (body, kind, words) in [
        ("", EventErrorKind::MalformedBody, "no JSON object"),
        ("{\"eventId\": ", EventErrorKind::MalformedBody, "no JSON object"),
        ("[]", EventErrorKind::MalformedBody, "no JSON object"),
        ("\"text\"", EventErrorKind::MalformedBody, "no JSON object"),
        ("{}", EventErrorKind::InvalidEnvelope, "accepted forms"),
        (
            "{\"Type\": \"Notification\", \"TopicArn\": \"t\"}",
            EventErrorKind::InvalidEnvelope,
            "without a Message",
        ),
        (
            "{\"TopicArn\": \"t\", \"Message\": 7}",
            EventErrorKind::InvalidEnvelope,
            "no text",
        ),
        (
            "{\"TopicArn\": \"t\", \"Message\": \"not json\"}",
            EventErrorKind::MalformedBody,
            "no JSON object",
        ),
        (
            "{\"detail-type\": \"OrderCreated\"}",
            EventErrorKind::InvalidEnvelope,
            "without a detail",
        ),
        (
            "{\"specversion\": \"1.0\", \"id\": \"1\"}",
            EventErrorKind::InvalidEnvelope,
            "CloudEvents",
        ),
        (
            "{\"specversion\": \"3.0\", \"id\": \"1\", \"source\": \"s\", \"type\": \"t\"}",
            EventErrorKind::InvalidEnvelope,
            "1.0",
        ),
        (&deep, EventErrorKind::InvalidEnvelope, "three envelopes"),
        (&without("/eventId"), EventErrorKind::InvalidEvent, "eventId"),
    ] {
        let error = Received::from_body(body).unwrap_err();
        assert_eq!(error.kind(), kind, "{body}: {error}");
        assert!(error.to_string().contains(words), "{body}: {error}");
    }
}

#[test]
fn a_body_of_one_mebibyte_is_read() {
    let event = with("/payload", json!({"blob": "x".repeat(1 << 20)}));
    assert!(Received::from_body(&event).unwrap().event.payload().get().len() > 1 << 20);
}

#[test]
fn json_nested_too_deeply_is_refused_not_a_stack_overflow() {
    let body = format!("{}{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    assert!(Received::from_body(&body).is_err());
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(any::<String>(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn any_object() -> impl Strategy<Value = Value> {
    prop::collection::hash_map("x[a-zA-Z]{0,8}", any_json(), 0..4)
        .prop_map(|map| Value::Object(map.into_iter().collect()))
}

prop_compose! {
    fn any_event()(
        id in any::<u128>(), name in "[A-Z][a-zA-Z]{0,30}", kind in "[A-Z][a-zA-Z]{0,20}",
        aggregate in "[^\\p{Cc}]{1,40}", ms in 0i64..4_102_444_800_000, payload in any_object(),
        unknown in any_object(), more_metadata in any_object(),
        sequence in prop::option::of(any::<u64>()), user in prop::option::of("[a-z]{1,9}"),
    ) -> Value {
        let timestamp = onecommit_event::Timestamp::from_unix_ms(ms).to_string();
        let id = EventId::of_foreign("proptest", &id.to_string()).to_string();
        let mut metadata = json!({"correlationId": "c", "causationId": "d", "schemaVersion": 3});
        if let Some(sequence) = sequence { metadata["sequence"] = json!(sequence); }
        if let Some(user) = user { metadata["userId"] = json!(user); }
        metadata.as_object_mut().unwrap().extend(more_metadata.as_object().unwrap().clone());
        let mut event = json!({
            "eventId": id, "eventType": name, "aggregateId": aggregate, "aggregateType": kind,
            "timestamp": timestamp, "payload": payload, "metadata": metadata
        });
        event.as_object_mut().unwrap().extend(unknown.as_object().unwrap().clone());
        event
    }
}

proptest! {
    #[test]
    fn any_event_survives_the_round_trip(event in any_event()) {
        prop_assert_eq!(read_back(&event.to_string()), event);
    }

    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        let _ = Received::from_body(&text);
    }

    #[test]
    fn arbitrary_json_never_panics(tree in any_json()) {
        let _ = Received::from_body(&tree.to_string());
    }

    #[test]
    fn an_event_cut_or_changed_anywhere_never_panics(event in any_event(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = event.to_string().into_bytes();
        let at = at.index(bytes.len());
        let _ = std::str::from_utf8(&bytes[..at]).map(Received::from_body);
        bytes[at] = byte;
        let _ = std::str::from_utf8(&bytes).map(Received::from_body);
    }
}
