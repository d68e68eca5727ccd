//! CloudEvents 1.0, JSON structured mode (<https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md>).
//!
//! `data` is either a whole domain event, or the payload, with the rest in the attributes:
//!
//! | attribute | is | when it is absent |
//! |---|---|---|
//! | `id`, `source` | together the event's id | refused, as when one is empty: the specification demands both |
//! | `type` | the event's type | refused |
//! | `subject` | the aggregate's id | `source`: the event is about what it comes from |
//! | `aggregatetype` | the aggregate's type | `CloudEvent` |
//! | `time` | the event's timestamp | when the innermost envelope around it was sent; without one, the event is not [dated](Event::is_dated) |
//! | `data` | the payload | an empty object |
//! | `correlationid`, `causationid` | the same | `id` |
//! | `userid`, `sequence`, `traceparent`, `tracestate` | the same | absent |
//! | `schemaversion` | the same | 1 |

use std::borrow::Cow;

use onecommit_environment::Timestamp;
use onecommit_json::Object;
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use serde_json::value::RawValue;

use crate::error::EventError;
use crate::event::Event;
use crate::id::EventId;
use crate::metadata::{FIRST_VERSION, Metadata};
use crate::unknown::UnknownFields;
use crate::wire::{Fields, WireEvent, moment, object_of};

/// The longest `id` and `source`, in bytes.
const NAME_BYTES_MAX: usize = 2048;
/// The type of an aggregate that nothing is said about.
const AGGREGATE_TYPE: &str = "CloudEvent";

pub(crate) fn read(object: Object<'_>, sent: Option<Timestamp>) -> Result<Event, EventError> {
    if object.get("data_base64").is_some() {
        return Err(EventError::envelope(
            "a CloudEvents event with data_base64, which is not supported; data has to be JSON",
        ));
    }
    let data = object.get("data");
    let mut fields = Fields::of(object);
    let version: Cow<'_, str> = required(&mut fields, "specversion")?;
    if version.split('.').next() != Some("1") {
        return Err(EventError::envelope(
            "a CloudEvents event of another major version; 1.0 is supported",
        ));
    }
    let id = name(&mut fields, "id")?;
    let source = name(&mut fields, "source")?;
    if let Some(data) = data.filter(|data| data.get().starts_with('{')) {
        let data = object_of(data.get())?;
        if data.get("eventId").is_some() && data.get("eventType").is_some() {
            return Event::from_object(data);
        }
    }
    from_attributes(fields, &id, &source, data, sent)
}

fn required<'a, T: Deserialize<'a>>(fields: &mut Fields<'a>, name: &'static str) -> Result<T, EventError> {
    let value = fields.required(name);
    value.map_err(|error| EventError::envelope(format!("not a CloudEvents event: {error}")))
}

/// An attribute that copies are recognised by.
fn name<'a>(fields: &mut Fields<'a>, attribute: &'static str) -> Result<Cow<'a, str>, EventError> {
    let text: Cow<'a, str> = required(fields, attribute)?;
    match text.len() {
        0 => Err(EventError::envelope(format!(
            "a CloudEvents event whose {attribute} is empty"
        ))),
        1..=NAME_BYTES_MAX => Ok(text),
        _ => Err(EventError::envelope(format!(
            "a CloudEvents event whose {attribute} has more than {NAME_BYTES_MAX} bytes"
        ))),
    }
}

fn from_attributes(
    mut fields: Fields<'_>,
    id: &str,
    source: &str,
    data: Option<&RawValue>,
    sent: Option<Timestamp>,
) -> Result<Event, EventError> {
    let time: Option<Cow<'_, str>> = fields.optional("time")?;
    let timestamp = time.map(|text| moment("time", &text)).transpose()?;
    let event_id = EventId::of_foreign(source, id);
    let event_type = required(&mut fields, "type")?;
    // An id too long for a cause is told apart by what copies are told apart by.
    let cause = || match id.len() {
        ..=256 => id.to_owned(),
        _ => event_id.to_string(),
    };
    let correlation = fields.optional("correlationid")?.unwrap_or_else(cause);
    let causation = fields.optional("causationid")?.unwrap_or_else(cause);
    let version: Option<Number<u32>> = fields.optional("schemaversion")?;
    let sequence: Option<Number<u64>> = fields.optional("sequence")?;
    let kind: Option<String> = fields.optional("aggregatetype")?;
    let (traceparent, tracestate) = fields.trace();
    Event::from_wire(WireEvent {
        event_id,
        event_type,
        aggregate_id: fields.optional("subject")?.unwrap_or_else(|| source.to_owned()),
        aggregate_type: kind.unwrap_or_else(|| AGGREGATE_TYPE.to_owned()),
        timestamp: timestamp.or(sent),
        payload: match data {
            Some(data) => data.to_owned(),
            None => crate::payload::empty(),
        },
        metadata: Metadata {
            user_id: fields.optional("userid")?,
            sequence: sequence.map(|Number(number)| number),
            schema_version: version.map_or(FIRST_VERSION, |Number(number)| number),
            traceparent,
            tracestate,
            ..Metadata::caused_by(correlation, causation)
        },
        unknown: UnknownFields::default(),
    })
}

/// An extension that is a number in a domain event: a text in CloudEvents, whose integers have 32 bits; many write a
/// number.
struct Number<T>(T);

impl<'de, T: std::str::FromStr> Deserialize<'de> for Number<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Whole;

        impl Visitor<'_> for Whole {
            type Value = String;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a whole number")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<String, E> {
                Ok(number.to_string())
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
                Ok(text.to_owned())
            }
        }

        let text = deserializer.deserialize_any(Whole)?;
        let number = text.parse();
        number
            .map(Self)
            .map_err(|_| D::Error::custom("expected a whole number"))
    }
}
