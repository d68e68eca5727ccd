//! Events as programs make them and change them.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::sync::Arc;

use async_trait::async_trait;
use onecommit_environment::{Clock, Environment, SystemRandom, Timestamp};
use onecommit_event::{Aggregate, Event, EventErrorKind, EventId, Metadata, NewEvent, Payload};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Weighed {
    grams: u32,
}

impl Payload for Weighed {
    const EVENT_TYPE: &'static str = "Weighed";
    const SCHEMA_VERSION: u32 = 3;
}

/// Serialises as a number, which no payload may be.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct Bare(u32);

impl Payload for Bare {
    const EVENT_TYPE: &'static str = "Bare";
}

const NOW: &str = "2026-11-22T07:00:00.000Z";

/// A clock that shows one moment, and a part of a millisecond more.
struct Stopped;

#[async_trait]
impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        Timestamp::parse("2026-11-22T07:00:00.000123Z").unwrap()
    }
    fn instant(&self) -> std::time::Instant {
        std::time::Instant::now()
    }
    async fn sleep(&self, _: std::time::Duration) {}
}

fn environment() -> Environment {
    Environment::new(Arc::new(Stopped), Arc::new(SystemRandom))
}

fn parcel() -> Aggregate {
    Aggregate::new("Parcel", "p#1").unwrap()
}

fn weighed() -> Event<Weighed> {
    Event::new(parcel(), Weighed { grams: 7 }, &environment())
}

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

#[test]
fn an_event_that_starts_something_is_its_own_cause() {
    let event = weighed();
    let id = event.id().to_string();
    assert_eq!(event.event_type(), "Weighed");
    assert_eq!(event.aggregate(), &parcel());
    assert_eq!(event.timestamp(), Timestamp::parse(NOW).unwrap());
    assert!(event.is_dated());
    assert_eq!(event.payload(), &Weighed { grams: 7 });
    assert!(event.unknown_fields().is_empty());
    let expected = Metadata {
        schema_version: 3,
        ..Metadata::caused_by(id.clone(), id)
    };
    assert_eq!(event.metadata(), &expected);
    assert_ne!(event.id(), weighed().id());
}

#[test]
fn an_event_that_follows_keeps_the_correlation_and_the_user() {
    let cause = weighed().on_behalf_of(Some("ada".to_owned())).unwrap();
    let caused = Event::caused_by(&cause, parcel(), Weighed { grams: 8 }, &environment());
    let expected = Metadata {
        user_id: Some("ada".to_owned()),
        schema_version: 3,
        ..Metadata::caused_by(cause.metadata().correlation_id.clone(), cause.id().to_string())
    };
    assert_eq!(caused.metadata(), &expected);
    assert_ne!(caused.id(), cause.id());
    assert_eq!(caused.into_payload(), Weighed { grams: 8 });
}

#[test]
fn what_is_written_is_read_as_the_same_event() {
    let event = weighed();
    let raw = event.clone().into_raw().unwrap();
    assert_eq!(raw.payload().get(), r#"{"grams":7}"#);
    let read = Event::from_json(&raw.to_json()).unwrap().decode::<Weighed>().unwrap();
    assert_eq!((read.id(), read.payload()), (event.id(), event.payload()));
    assert_eq!(read.to_json(), event.to_json());
    let error = raw.decode::<Bare>().unwrap_err();
    assert_eq!(error.kind(), EventErrorKind::InvalidPayload);
}

#[test]
fn a_payload_that_is_not_an_object_becomes_no_event() {
    let error = Event::new(parcel(), Bare(7), &environment()).into_raw().unwrap_err();
    assert_eq!(error.kind(), EventErrorKind::InvalidEvent);
    let new = NewEvent::of(&Bare(7)).unwrap();
    let error = Event::from_new(new, parcel(), Metadata::starting("c"), &environment()).unwrap_err();
    assert_eq!(error.kind(), EventErrorKind::InvalidEvent);
}

#[test]
fn a_new_event_gets_an_id_unless_it_has_one() {
    let id = EventId::of_foreign("shop", "1");
    let new = NewEvent::of(&Weighed { grams: 7 }).unwrap();
    assert_eq!((new.id(), new.event_type()), (None, "Weighed"));
    let chosen = new.clone().with_id(id);
    assert_eq!(chosen.id(), Some(id));
    let metadata = Metadata {
        user_id: Some("ada".to_owned()),
        ..Metadata::starting("c")
    };
    let event = Event::from_new(chosen, parcel(), metadata.clone(), &environment()).unwrap();
    assert_eq!(event.id(), id);
    assert!(event.is_dated());
    assert_eq!(event.timestamp(), Timestamp::parse(NOW).unwrap());
    let expected = Metadata {
        schema_version: 3,
        ..metadata.clone()
    };
    assert_eq!(event.metadata(), &expected);
    let event = Event::from_new(new, parcel(), metadata, &environment()).unwrap();
    assert_ne!(event.id(), id);
}

#[test]
fn a_changed_copy_differs_in_what_was_changed_alone() {
    let event = weighed().into_raw().unwrap();
    let (id, later) = (
        EventId::of_foreign("shop", "1"),
        Timestamp::parse("2026-11-23T07:00:00.000Z").unwrap(),
    );
    let metadata = Metadata::starting("c");
    let changed = event
        .clone()
        .with_id(id)
        .with_timestamp(later)
        .with_metadata(metadata.clone())
        .with_payload(raw("{}"), 4);
    assert_eq!((changed.id(), changed.timestamp()), (id, later));
    assert_eq!(
        changed.metadata(),
        &Metadata {
            schema_version: 4,
            ..metadata
        }
    );
    assert_eq!(changed.payload().get(), "{}");
    assert_eq!(
        (changed.event_type(), changed.aggregate()),
        (event.event_type(), event.aggregate())
    );
    assert_eq!(event.payload().get(), r#"{"grams":7}"#);
    assert_eq!(event.metadata().schema_version, 3);
}

#[test]
fn an_event_without_a_time_has_one_once_it_is_given() {
    let json = r#"{"specversion":"1.0","id":"1","source":"s","type":"t"}"#;
    let event = onecommit_event::Received::from_body(json).unwrap().event;
    assert!(!event.is_dated());
    let dated = event.with_timestamp(Timestamp::parse(NOW).unwrap());
    assert!(dated.is_dated());
}

#[test]
fn a_user_is_set_taken_away_or_refused() {
    let event = weighed().on_behalf_of(Some("ada".to_owned())).unwrap();
    assert_eq!(event.metadata().user_id.as_deref(), Some("ada"));
    let error = event.clone().on_behalf_of(Some("x".repeat(257))).unwrap_err();
    assert_eq!(error.kind(), EventErrorKind::InvalidEvent);
    assert_eq!(event.on_behalf_of(None).unwrap().metadata().user_id, None);
}

#[test]
fn an_event_is_accepted_from_its_own_stream_alone() {
    let event = weighed().into_raw().unwrap();
    assert!(event.clone().found_in("Parcel#p#1").is_ok());
    for stream in ["Parcel#p#2", "Order#p#1", "Parcel", "p#1", ""] {
        let error = event.clone().found_in(stream).unwrap_err();
        assert_eq!(error.kind(), EventErrorKind::InvalidEvent, "{stream}");
    }
}

#[test]
fn unknown_fields_are_looked_up_set_and_taken_out_by_name() {
    let json = weighed().to_json().replacen('{', r#"{"tenant":"t","region":"r","#, 1);
    let mut fields = Event::from_json(&json).unwrap().unknown_fields().clone();
    assert!(!fields.is_empty());
    assert!(fields.contains("tenant") && !fields.contains("ten"));
    let before = fields.clone();
    assert_eq!(fields, before);
    fields.insert("tenant", raw("7"));
    let texts = |fields: &onecommit_event::UnknownFields| -> Vec<String> {
        fields.iter().map(|(name, value)| format!("{name}={value}")).collect()
    };
    assert_eq!(texts(&before), [r#"tenant="t""#, r#"region="r""#]);
    assert_eq!(texts(&fields), [r#"region="r""#, "tenant=7"]);
    assert_ne!(fields, before);
    fields.remove("region");
    assert_eq!(texts(&fields), ["tenant=7"]);
    assert!(fields.get("region").is_none());
}

#[test]
fn an_id_is_the_uuid_that_it_is_written_as() {
    let text = "0192f0c1-0000-7000-8000-000000000001";
    let id: EventId = text.parse().unwrap();
    assert_eq!(id.to_string(), text);
    assert_eq!(id.uuid().to_string(), text);
    assert_eq!(EventId::from(id.uuid()), id);
    assert!("0192f0c1".parse::<EventId>().is_err());
    assert_eq!(EventId::new(&environment()).uuid().get_version_num(), 7);
}

#[test]
fn kinds_of_errors_have_the_names_of_the_dead_letters() {
    for (kind, name) in [
        (EventErrorKind::MalformedBody, "MalformedBody"),
        (EventErrorKind::InvalidEnvelope, "InvalidEnvelope"),
        (EventErrorKind::InvalidEvent, "InvalidEvent"),
        (EventErrorKind::InvalidPayload, "InvalidPayload"),
    ] {
        assert_eq!(kind.as_str(), name);
    }
}

#[test]
fn the_trace_of_the_metadata_is_the_one_that_it_names() {
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let traced = Metadata {
        traceparent: Some(traceparent.to_owned()),
        tracestate: Some("vendor=1".to_owned()),
        ..Metadata::starting("c")
    };
    let context = traced.trace_context().unwrap();
    assert_eq!(
        context.into_parts(),
        (traceparent.to_owned(), Some("vendor=1".to_owned()))
    );
    assert!(Metadata::starting("c").trace_context().is_none());
}
