//! CloudEvents 1.0, JSON structured mode (<https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md>).
//!
//! `data` is either a whole domain event, or the payload, with the rest in the attributes: `id`, `type`, `subject` (the
//! aggregate's id), `time`, and the extensions `aggregatetype`, `correlationid`, `causationid`, `userid`, `sequence`,
//! `schemaversion`, `traceparent`.

use onecommit_environment::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::error::EventError;
use crate::event::Event;
use crate::id::EventId;
use crate::metadata::Metadata;
use crate::wire::WireEvent;

#[derive(Deserialize)]
struct CloudEvent {
    specversion: String,
    id: String,
    source: String,
    #[serde(rename = "type")]
    event_type: String,
    subject: Option<String>,
    time: Option<String>,
    data: Option<Box<RawValue>>,
    aggregatetype: Option<String>,
    correlationid: Option<String>,
    causationid: Option<String>,
    userid: Option<String>,
    sequence: Option<Number>,
    schemaversion: Option<Number>,
    traceparent: Option<String>,
}

/// The sequence extension is a text in CloudEvents; many write a number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Plain(u64),
    Text(String),
}

impl Number {
    fn value(&self, field: &'static str) -> Result<u64, EventError> {
        match self {
            Self::Plain(number) => Ok(*number),
            Self::Text(text) => text
                .parse()
                .map_err(|_| EventError::invalid(field, format!("{text:?} is no whole number"))),
        }
    }
}

#[derive(Deserialize)]
struct WholeEvent {
    #[serde(rename = "eventId")]
    _event_id: serde::de::IgnoredAny,
    #[serde(rename = "eventType")]
    _event_type: serde::de::IgnoredAny,
}

pub(crate) fn read(body: &str) -> Result<Event, EventError> {
    let cloud_event: CloudEvent = serde_json::from_str(body)
        .map_err(|error| EventError::envelope(format!("not a CloudEvents event: {error}")))?;
    if !cloud_event.specversion.starts_with("1.") && cloud_event.specversion != "1" {
        return Err(EventError::envelope(format!(
            "CloudEvents {:?}; 1.0 is understood",
            cloud_event.specversion
        )));
    }
    let data = cloud_event
        .data
        .as_deref()
        .ok_or_else(|| EventError::envelope("a CloudEvents event without data (data_base64 is not understood)"))?;
    if serde_json::from_str::<WholeEvent>(data.get()).is_ok() {
        return Event::from_json(data.get());
    }
    from_attributes(cloud_event)
}

fn from_attributes(cloud_event: CloudEvent) -> Result<Event, EventError> {
    let missing = |name: &str| EventError::envelope(format!("a CloudEvents event without its attribute {name:?}"));
    let time = cloud_event.time.ok_or_else(|| missing("time"))?;
    let correlation = cloud_event.correlationid.unwrap_or_else(|| cloud_event.id.clone());
    let causation = cloud_event.causationid.unwrap_or_else(|| cloud_event.id.clone());
    let version = cloud_event
        .schemaversion
        .map(|number| number.value("schemaversion"))
        .transpose()?
        .unwrap_or(1);
    Event::from_wire(WireEvent {
        event_id: EventId::of_foreign(&cloud_event.source, &cloud_event.id),
        event_type: cloud_event.event_type,
        aggregate_id: cloud_event.subject.ok_or_else(|| missing("subject"))?,
        aggregate_type: cloud_event.aggregatetype.ok_or_else(|| missing("aggregatetype"))?,
        timestamp: Timestamp::parse(&time).map_err(|error| EventError::invalid("time", error))?,
        payload: cloud_event.data.ok_or_else(|| missing("data"))?,
        metadata: Metadata {
            user_id: cloud_event.userid,
            sequence: cloud_event
                .sequence
                .map(|number| number.value("sequence"))
                .transpose()?,
            schema_version: u32::try_from(version)
                .map_err(|_| EventError::invalid("schemaversion", "it is larger than 4294967295"))?,
            traceparent: cloud_event.traceparent,
            ..Metadata::caused_by(correlation, causation)
        },
        unknown: Map::<String, Value>::new(),
    })
}
