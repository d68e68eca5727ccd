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
        (Route::CloudEvents, whole.to_string()),
    ]
}

/// A CloudEvents event whose data is only the payload.
fn attributes() -> Value {
    json!({
        "specversion": "1.0", "id": "0192f0c1-0000-7000-8000-000000000001", "source": "shop", "type": "OrderCreated",
        "subject": "ord_01", "time": "2026-11-22T07:00:00Z", "datacontenttype": "application/json",
        "aggregatetype": "Order", "correlationid": "c-1", "causationid": "c-0", "userid": "usr_1", "sequence": "7",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "data": wire()["payload"]
    })
}

#[test]
fn every_body_form_holds_the_same_event() {
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
fn a_cloud_event_of_attributes_says_the_same() {
    let received = Received::from_body(&attributes().to_string()).unwrap();
    let mut expected = wire();
    let id = EventId::of_foreign("shop", "0192f0c1-0000-7000-8000-000000000001");
    expected["eventId"] = json!(id.to_string());
    assert_eq!(received.route, Route::CloudEvents);
    assert_eq!(
        serde_json::from_str::<Value>(&received.event.to_json()).unwrap(),
        expected
    );
}

fn cloud_event(change: impl FnOnce(&mut Value)) -> Result<Event, EventErrorKind> {
    let mut attributes = attributes();
    change(&mut attributes);
    let received = Received::from_body(&attributes.to_string());
    received.map(|received| received.event).map_err(|error| error.kind())
}

#[test]
fn cloud_events_of_two_sources_are_two_events() {
    let ids: Vec<EventId> = ["shop", "warehouse", "shop"]
        .map(|source| cloud_event(|event| event["source"] = json!(source)).unwrap().id())
        .to_vec();
    assert_ne!(ids[0], ids[1], "although their ids are one UUID");
    assert_eq!(ids[0], ids[2]);
}

#[test]
fn a_cloud_event_without_optional_attributes_is_taken() {
    let bare = json!({"specversion": "1.0", "id": "a-1", "source": "/sensors/7", "type": "Measured"});
    let event = Received::from_body(&bare.to_string()).unwrap().event;
    assert_eq!(event.event_type(), "Measured");
    assert_eq!(event.aggregate().to_string(), "CloudEvent#/sensors/7");
    assert_eq!(event.payload().get(), "{}");
    assert_eq!(event.metadata().correlation_id, "a-1");
    assert_eq!(event.metadata().schema_version, 1);
    assert!(!event.is_dated());
    let sns = json!({"TopicArn": "t", "Message": bare.to_string(), "Timestamp": "2026-11-22T07:00:01.000Z"});
    let sent = Received::from_body(&sns.to_string()).unwrap().event;
    assert!(sent.is_dated());
    assert_eq!(sent.timestamp().to_string(), "2026-11-22T07:00:01.000Z");
    assert_eq!((sent.id(), sent.fingerprint()), (event.id(), event.fingerprint()));
}

#[test]
fn data_with_half_of_an_events_names_is_a_payload() {
    for data in [json!({"eventId": "7"}), json!({"eventType": "OrderCreated"})] {
        let event = json!({"specversion": "1.0", "id": "1", "source": "s", "type": "t", "data": data});
        let event = Received::from_body(&event.to_string()).unwrap().event;
        assert_eq!(event.payload().get(), data.to_string());
    }
}

#[test]
fn numbers_of_a_cloud_event_are_texts_or_numbers() {
    for (version, sequence) in [(json!(3), json!(7)), (json!("3"), json!("7"))] {
        let event = json!({
            "specversion": "1.0", "id": "1", "source": "s", "type": "t", "schemaversion": version, "sequence": sequence,
        });
        let event = Received::from_body(&event.to_string()).unwrap().event;
        assert_eq!(
            (event.metadata().schema_version, event.metadata().sequence),
            (3, Some(7))
        );
    }
    let neither = json!({"specversion": "1.0", "id": "1", "source": "s", "type": "t", "sequence": true});
    let error = Received::from_body(&neither.to_string()).unwrap_err();
    assert!(error.to_string().contains("whole number"), "{error}");
}

#[test]
fn a_cloud_event_that_breaks_its_specification_is_refused() {
    for (attribute, value) in [
        ("id", json!("")),
        ("id", json!(7)),
        ("id", Value::Null),
        ("source", json!("")),
        ("source", json!([])),
        ("specversion", json!("2.0")),
        ("specversion", json!("10.0")),
        ("specversion", json!("0.3")),
        ("specversion", json!(1.0)),
        ("type", Value::Null),
        ("data_base64", json!("e30=")),
    ] {
        let refused = cloud_event(|event| event[attribute] = value.clone());
        assert_eq!(
            refused.unwrap_err(),
            EventErrorKind::InvalidEnvelope,
            "{attribute} = {value}"
        );
    }
    let mut nameless = json!({"specversion": "1.0", "id": "", "source": "s", "type": "t"});
    let error = Received::from_body(&nameless.to_string()).unwrap_err();
    assert!(error.to_string().contains("id is empty"), "{error}");
    nameless["id"] = json!("x".repeat(2049));
    let error = Received::from_body(&nameless.to_string()).unwrap_err();
    assert!(error.to_string().contains("more than 2048 bytes"), "{error}");
    for (attribute, value) in [
        ("time", json!("yesterday")),
        ("sequence", json!("0")),
        ("sequence", json!("first")),
        ("data", json!([1])),
        ("data", json!("text")),
        ("subject", json!("")),
    ] {
        let refused = cloud_event(|event| event[attribute] = value.clone());
        assert_eq!(
            refused.unwrap_err(),
            EventErrorKind::InvalidEvent,
            "{attribute} = {value}"
        );
    }
}

#[test]
fn a_cloud_events_extension_may_be_a_number_or_null() {
    for (value, sequence) in [(json!(7), Some(7)), (json!(7.0), Some(7)), (Value::Null, None)] {
        let event = cloud_event(|event| event["sequence"] = value).unwrap();
        assert_eq!(event.metadata().sequence, sequence);
    }
}

#[test]
fn null_in_an_optional_field_is_absence() {
    for field in ["userId", "sequence", "schemaVersion", "traceparent"] {
        let event = Event::from_json(&with(&format!("/metadata/{field}"), Value::Null)).unwrap();
        let mut expected = wire();
        expected["metadata"].as_object_mut().unwrap().remove(field);
        expected["metadata"]["schemaVersion"] = json!(1);
        assert_eq!(
            serde_json::from_str::<Value>(&event.to_json()).unwrap(),
            expected,
            "{field}"
        );
    }
}

#[test]
fn a_list_is_not_taken_for_an_object() {
    let envelope = |detail: Value| json!({"detail-type": "x", "detail": detail}).to_string();
    for (body, kind) in [
        (with("/metadata", json!(["c", "d"])), EventErrorKind::InvalidEvent),
        (with("/payload", json!([1])), EventErrorKind::InvalidEvent),
        (envelope(json!([wire()])), EventErrorKind::InvalidEnvelope),
        (json!([wire()]).to_string(), EventErrorKind::MalformedBody),
    ] {
        assert_eq!(Received::from_body(&body).unwrap_err().kind(), kind, "{body}");
    }
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct OrderCreated {
    total: Total,
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Total {
    minor_units: i64,
}

impl onecommit_event::Payload for OrderCreated {
    const EVENT_TYPE: &'static str = "OrderCreated";
}

#[test]
fn a_payload_is_read_by_json_types_and_number_values() {
    let decode = |total: Value| {
        Event::from_json(&with("/payload/total", total))
            .unwrap()
            .decode::<OrderCreated>()
    };
    let error = decode(json!([2500])).unwrap_err();
    assert_eq!(error.kind(), EventErrorKind::InvalidPayload);
    assert_eq!(
        error.to_string(),
        "the payload is not a OrderCreated: total: expected an object, found a list"
    );
    let whole = decode(json!({"minorUnits": 2500.0})).unwrap();
    assert_eq!(whole.payload().total.minor_units, 2500);
    let error = decode(json!({"minorUnits": "secret"})).unwrap_err().to_string();
    assert!(
        error.contains("total.minorUnits") && !error.contains("secret"),
        "{error}"
    );
}

#[test]
fn of_a_member_written_twice_the_last_counts_and_a_request_is_refused() {
    let twice = wire()
        .to_string()
        .replace(r#""aggregateId":"#, r#""aggregateId":"ord_00","aggregateId":"#);
    assert_eq!(Event::from_json(&twice).unwrap().aggregate().id(), "ord_01");
    for (json, path) in [
        (twice, "aggregateId"),
        (
            with("/payload/total", json!({})).replace("{}", r#"{"a":1,"a":1}"#),
            "payload.total.a",
        ),
    ] {
        Event::from_json(&json).unwrap();
        let error = Event::from_request(&json).unwrap_err();
        assert_eq!(error.kind(), EventErrorKind::InvalidEvent);
        assert!(
            error.to_string().contains(&format!("{path}: it is written twice")),
            "{error}"
        );
    }
    let id_twice = wire()
        .to_string()
        .replace(r#""eventId":"#, r#""eventId":"no-uuid","eventId":"#);
    assert_eq!(Received::from_body(&id_twice).unwrap().event.aggregate().id(), "ord_01");
}

#[test]
fn a_malformed_traceparent_is_dropped() {
    for traceparent in [
        json!("00-zz-yy-01"),
        json!(""),
        json!(7),
        json!({"a": 1}),
        json!("00-".repeat(300)),
    ] {
        let event = Event::from_json(&with("/metadata/traceparent", traceparent.clone())).unwrap();
        assert_eq!(event.metadata().traceparent, None, "{traceparent}");
        assert!(!event.to_json().contains("traceparent"));
        let event = cloud_event(|event| event["traceparent"] = traceparent).unwrap();
        assert_eq!(event.metadata().traceparent, None);
    }
}

#[test]
fn what_is_said_about_a_trace_travels_with_it_and_without_it_is_dropped() {
    let long = json!(format!("a={}", "x".repeat(511)));
    for (state, kept) in [
        (json!("vendor=00f067aa0ba902b7"), Some("vendor=00f067aa0ba902b7")),
        (json!("no list"), None),
        (json!("a=b\r\nSet-Cookie: c"), None),
        (long, None),
        (json!({"a": 1}), None),
    ] {
        let mut stateful = wire();
        stateful["metadata"]["tracestate"] = state.clone();
        let event = Event::from_json(&stateful.to_string()).unwrap();
        assert_eq!(event.metadata().tracestate.as_deref(), kept, "{state}");
        assert!(event.metadata().traceparent.is_some());
        assert_eq!(event.to_json().contains("tracestate"), kept.is_some());
        let event = cloud_event(|event| event["tracestate"] = state).unwrap();
        assert_eq!(event.metadata().tracestate.as_deref(), kept);
    }
    let mut stateful = wire();
    stateful["metadata"]["tracestate"] = json!("a=b");
    stateful["metadata"]["traceparent"] = json!("00-zz-yy-01");
    let event = Event::from_json(&stateful.to_string()).unwrap();
    assert_eq!(
        (&event.metadata().traceparent, &event.metadata().tracestate),
        (&None, &None)
    );
}

#[test]
fn every_text_of_an_event_has_its_limit() {
    for (pointer, most) in [
        ("/eventType", 128),
        ("/aggregateType", 128),
        ("/aggregateId", 512),
        ("/metadata/correlationId", 256),
        ("/metadata/causationId", 256),
        ("/metadata/userId", 256),
    ] {
        Event::from_json(&with(pointer, json!("x".repeat(most)))).unwrap();
        for text in ["x".repeat(most + 1), "a\u{ffff}".to_owned(), "a\nb".to_owned()] {
            let error = Event::from_json(&with(pointer, json!(text))).unwrap_err();
            assert_eq!(error.kind(), EventErrorKind::InvalidEvent);
            let field = pointer.rsplit('/').next().unwrap();
            assert!(error.to_string().contains(field), "{error}");
        }
    }
}

#[test]
fn a_sequence_runs_from_one_to_what_a_double_holds() {
    let with = |sequence: &str| {
        wire()
            .to_string()
            .replace(r#""sequence":7"#, &format!(r#""sequence":{sequence}"#))
    };
    for sequence in ["1", "9007199254740991", "7.0", "7e0"] {
        Event::from_json(&with(sequence)).unwrap();
    }
    for sequence in [
        "0",
        "-0",
        "9007199254740992",
        "18446744073709551615",
        "1e30",
        "-1",
        "1.5",
    ] {
        let error = Event::from_json(&with(sequence)).unwrap_err();
        assert_eq!(error.kind(), EventErrorKind::InvalidEvent, "{sequence}");
        assert!(error.to_string().contains("metadata.sequence"), "{error}");
    }
}

fn with_payload(payload: &str) -> String {
    let total = wire()["payload"].to_string();
    wire().to_string().replace(&total, payload)
}

#[test]
fn payloads_are_equal_as_json_values() {
    let fingerprint = |payload: &str| Event::from_json(&with_payload(payload)).unwrap().fingerprint();
    for (one, other, are_equal) in [
        (r#"{"a":2.0}"#, r#"{"a":2}"#, true),
        (r#"{"a":1e2}"#, r#"{"a":100}"#, true),
        (r#"{"a":-0}"#, r#"{"a":0}"#, true),
        (r#"{"a":"\u00e9"}"#, r#"{"a":"é"}"#, true),
        (r#"{"a":1,"a":2}"#, r#"{"a":2}"#, true),
        (r#"{"a":9007199254740993.0}"#, r#"{"a":9007199254740992.0}"#, false),
        (r#"{"a":18446744073709551617}"#, r#"{"a":18446744073709551616}"#, false),
        (
            r#"{"a":0.12345678901234567891}"#,
            r#"{"a":0.12345678901234567892}"#,
            false,
        ),
        (r#"{"a":"1"}"#, r#"{"a":1}"#, false),
        (r#"{"a":[1,2]}"#, r#"{"a":[2,1]}"#, false),
        (r#"{"a":null}"#, "{}", false),
    ] {
        assert_eq!(fingerprint(one) == fingerprint(other), are_equal, "{one} {other}");
    }
}

/// Recorded by the version before, which compared numbers as doubles.
const RECORDED: [(&str, &str); 3] = [
    (r#"{"b":[1,"é"],"a":{"y":-7}}"#, INTEGERS),
    (r#"{"a":1.5,"b":1e-7}"#, FRACTIONS),
    (r#"{"a":2.0,"b":1e2}"#, WHOLE_FRACTIONS),
];
const INTEGERS: &str = "cf11bd0805b27a34ce189909c31bd6a2";
const FRACTIONS: &str = "96ec0144339729997af778d1295cd692";
const WHOLE_FRACTIONS: &str = "ab0a2e27fd29f272a38d93f354dc1576";

#[test]
fn what_the_version_before_recorded_is_not_a_contradiction() {
    for (payload, recorded) in RECORDED {
        let event = Event::from_json(&with_payload(payload)).unwrap();
        assert!(event.says_what(recorded), "{payload}: {}", event.fingerprint());
        assert!(event.says_what(&event.fingerprint().to_string()));
        let other = Event::from_json(&with_payload(r#"{"a":3.0}"#)).unwrap();
        assert!(!other.says_what(recorded));
    }
    // Only where the rules differ does the value.
    let of = |payload: &str| {
        Event::from_json(&with_payload(payload))
            .unwrap()
            .fingerprint()
            .to_string()
    };
    assert_eq!(of(RECORDED[0].0), INTEGERS);
    assert_eq!(of(RECORDED[1].0), FRACTIONS);
    assert_ne!(of(RECORDED[2].0), WHOLE_FRACTIONS);
}

#[test]
fn an_old_record_of_a_rounded_number_does_not_swallow_an_exact_one() {
    let rounded = Event::from_json(&with_payload(r#"{"a":0.12345678901234568}"#)).unwrap();
    let exact = Event::from_json(&with_payload(r#"{"a":0.12345678901234567891}"#)).unwrap();
    assert!(!exact.says_what(&rounded.fingerprint().to_string()));
}

#[test]
fn unknown_fields_are_kept_byte_for_byte() {
    let odd = [
        r#"1.10"#,
        r#"1e400"#,
        r#"12345678901234567890123"#,
        r#"{ "b" : 2.0, "a" : [ "\u00e9" ] }"#,
        "null",
    ];
    for text in odd.iter().filter(|text| **text != "1e400") {
        let json = wire().to_string().replacen('{', &format!(r#"{{"tenant":{text},"#), 1);
        let json = json.replace(r#""causationId""#, &format!(r#""region":{text},"causationId""#));
        let event = Event::from_json(&json).unwrap();
        assert_eq!(event.unknown_fields().get("tenant").unwrap().get(), *text);
        let written = event.to_json();
        assert!(written.contains(&format!(r#""tenant":{text}"#)), "{written}");
        assert!(written.contains(&format!(r#""region":{text}"#)), "{written}");
    }
}

#[test]
fn what_some_route_would_change_is_refused_by_every_one_with_its_place() {
    let deep = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    Event::from_json(&with_payload(&deep(100))).unwrap();
    for (payload, place) in [
        (r#"{"a":["\ud800"]}"#.to_owned(), "payload.a[0]"),
        (r#"{"a":{"\udc00":1}}"#.to_owned(), "payload.a"),
        (r#"{"a":1e400}"#.to_owned(), "payload.a"),
        (deep(101), "payload.a.a"),
        (deep(1000), "payload.a.a"),
    ] {
        let event = with_payload(&payload);
        let message = serde_json::to_string(&event).unwrap();
        let mut reasons = Vec::new();
        for body in [
            event.clone(),
            format!(r#"{{"TopicArn":"t","Message":{message}}}"#),
            format!(r#"{{"detail-type":"x","detail":{event}}}"#),
            format!(r#"{{"specversion":"1.0","id":"1","source":"s","type":"t","data":{event}}}"#),
            format!(r#"{{"specversion":"1.0","id":"1","source":"s","type":"t","data":{payload}}}"#),
        ] {
            reasons.push(Received::from_body(&body).unwrap_err());
        }
        for error in &reasons {
            assert_eq!(error.kind(), EventErrorKind::InvalidEvent, "{error}");
            assert!(error.to_string().contains(place), "{error}");
        }
        assert_eq!(
            Event::from_request(&event).unwrap_err().kind(),
            EventErrorKind::InvalidEvent
        );
    }
}

#[test]
fn three_envelopes_are_three() {
    let cloud = json!({"specversion": "1.0", "id": "1", "source": "s", "type": "t", "data": wire()});
    let bridge = json!({"detail-type": "x", "detail": cloud});
    let sns = json!({"TopicArn": "t", "Message": bridge.to_string()});
    let event = Received::from_body(&sns.to_string()).unwrap().event;
    assert_eq!(event.aggregate().id(), "ord_01");
    let four = json!({"TopicArn": "t", "Message": sns.to_string()});
    let error = Received::from_body(&four.to_string()).unwrap_err();
    assert_eq!(error.kind(), EventErrorKind::InvalidEnvelope);
}

#[test]
fn an_envelope_smuggled_into_an_event_is_not_opened() {
    let forged = with("/eventType", json!("OrderConfirmed"));
    let mut event = wire();
    for (name, value) in [
        ("Message", json!(forged)),
        ("TopicArn", json!("arn:aws:sns:eu-west-1:000000000000:events")),
        ("detail-type", json!("OrderConfirmed")),
        ("detail", serde_json::from_str(&forged).unwrap()),
        ("specversion", json!("1.0")),
        ("data", serde_json::from_str(&forged).unwrap()),
    ] {
        event[name] = value;
    }
    // As the publisher reads it, and as a consumer reads what the publisher sent.
    let published = Event::from_request(&event.to_string()).unwrap().to_json();
    let notification = json!({"TopicArn": "t", "Message": published}).to_string();
    for body in [published, notification] {
        assert_eq!(Received::from_body(&body).unwrap().event.event_type(), "OrderCreated");
    }
}

#[test]
fn a_detail_that_is_a_text_is_an_invalid_envelope() {
    let body = json!({"detail-type": "x", "detail": wire().to_string()}).to_string();
    let error = Received::from_body(&body).unwrap_err();
    assert_eq!(error.kind(), EventErrorKind::InvalidEnvelope);
    assert!(error.to_string().contains("detail"), "{error}");
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
        ("", EventErrorKind::MalformedBody, "not a JSON object"),
        ("{\"eventId\": ", EventErrorKind::MalformedBody, "not a JSON object"),
        ("[]", EventErrorKind::MalformedBody, "not a JSON object"),
        ("\"text\"", EventErrorKind::MalformedBody, "not a JSON object"),
        ("{}", EventErrorKind::InvalidEnvelope, "accepted forms"),
        (
            "{\"Type\": \"Notification\", \"TopicArn\": \"t\"}",
            EventErrorKind::InvalidEnvelope,
            "without a Message",
        ),
        (
            "{\"TopicArn\": \"t\", \"Message\": 7}",
            EventErrorKind::InvalidEnvelope,
            "not a text",
        ),
        (
            "{\"TopicArn\": \"t\", \"Message\": \"not json\"}",
            EventErrorKind::MalformedBody,
            "not a JSON object",
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
        (&deep, EventErrorKind::InvalidEnvelope, "more than 3 envelopes"),
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
        sequence in prop::option::of(1..1_u64 << 53), user in prop::option::of("[a-z]{1,9}"),
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
