//! The event as JSON, with exactly the names other languages use.

use std::borrow::Cow;

use onecommit_environment::{Timestamp, TraceContext};
use onecommit_json::{JsonError, Object, Rules};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::aggregate::{check_name, check_text};
use crate::error::EventError;
use crate::id::EventId;
use crate::metadata::{FIRST_VERSION, Metadata};
use crate::unknown::UnknownFields;

/// The longest correlation or causation id, and the longest user id, in bytes.
const ID_BYTES_MAX: usize = 256;
/// The largest integer that every route keeps: a double holds it exactly.
const SEQUENCE_MAX: u64 = (1 << 53) - 1;

/// What an event consists of, in whichever form it came.
pub(crate) struct WireEvent {
    pub(crate) event_id: EventId,
    pub(crate) event_type: String,
    pub(crate) aggregate_id: String,
    pub(crate) aggregate_type: String,
    /// `None` when nothing says when it happened.
    pub(crate) timestamp: Option<Timestamp>,
    pub(crate) payload: Box<RawValue>,
    pub(crate) metadata: Metadata,
    pub(crate) unknown: UnknownFields,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireEventRef<'a, P> {
    pub(crate) event_id: EventId,
    pub(crate) event_type: &'a str,
    pub(crate) aggregate_id: &'a str,
    pub(crate) aggregate_type: &'a str,
    pub(crate) timestamp: String,
    pub(crate) payload: &'a P,
    pub(crate) metadata: &'a Metadata,
    #[serde(flatten)]
    pub(crate) unknown: &'a UnknownFields,
}

/// A text that has to be an object. The same text fails the same way, whatever is around it.
pub(crate) fn object_of(text: &str) -> Result<Object<'_>, EventError> {
    Object::of_text(text).map_err(|error| match text.trim_start().starts_with('{') && !error.is_syntax() {
        // A member whose name is not Unicode.
        true => EventError::event(&error),
        false => EventError::malformed(&error),
    })
}

/// The members of an object, taken out by name.
pub(crate) struct Fields<'a> {
    object: Object<'a>,
    /// The name of the member that the object is, for errors.
    of: Option<&'static str>,
}

impl<'a> Fields<'a> {
    pub(crate) fn of(object: Object<'a>) -> Self {
        Self { object, of: None }
    }

    /// Of an object that is a member of another.
    fn inside(name: &'static str, raw: &'a RawValue) -> Result<Self, EventError> {
        let object = Object::from_raw(raw).map_err(|error| EventError::event(&error.inside(name)))?;
        Ok(Self { object, of: Some(name) })
    }

    fn error(&self, name: &str, error: JsonError) -> EventError {
        let error = error.inside(name);
        EventError::event(&match self.of {
            Some(of) => error.inside(of),
            None => error,
        })
    }

    pub(crate) fn raw(&mut self, name: &'static str) -> Result<&'a RawValue, EventError> {
        let value = self.object.take(name);
        value.ok_or_else(|| self.error(name, JsonError::missing()))
    }

    pub(crate) fn required<T: Deserialize<'a>>(&mut self, name: &'static str) -> Result<T, EventError> {
        let value = self.raw(name)?;
        onecommit_json::from_raw(value).map_err(|error| self.error(name, error))
    }

    pub(crate) fn optional<T: Deserialize<'a>>(&mut self, name: &'static str) -> Result<Option<T>, EventError> {
        let value = self.object.take(name).map(onecommit_json::from_raw);
        value.transpose().map_err(|error| self.error(name, error))
    }

    /// A trace that cannot be followed is absent, whatever it is, and so is what is said about it.
    pub(crate) fn trace(&mut self) -> (Option<String>, Option<String>) {
        let mut text = |name| {
            let value = self.object.take(name)?;
            onecommit_json::from_raw::<String>(value).ok()
        };
        let (parent, state) = (text("traceparent"), text("tracestate"));
        let context = TraceContext::read(parent.as_deref().unwrap_or_default(), state.as_deref());
        context.map_or((None, None), |context| {
            let (parent, state) = context.into_parts();
            (Some(parent), state)
        })
    }

    /// What nobody took.
    fn rest(self) -> Result<UnknownFields, EventError> {
        let of = self.of;
        let members = self.object.into_members();
        for (name, value) in &members {
            let checked = onecommit_json::check(value, Rules::Travelled).map_err(|error| error.inside(name));
            let checked = match of {
                Some(of) => checked.map_err(|error| error.inside(of)),
                None => checked,
            };
            checked.map_err(|error| EventError::event(&error))?;
        }
        Ok(members.into_iter().collect())
    }
}

impl WireEvent {
    /// Reads the members of an event.
    pub(crate) fn read(object: Object<'_>) -> Result<Self, EventError> {
        let mut fields = Fields::of(object);
        Ok(Self {
            event_id: fields.required::<Cow<'_, str>>("eventId")?.parse()?,
            event_type: fields.required("eventType")?,
            aggregate_id: fields.required("aggregateId")?,
            aggregate_type: fields.required("aggregateType")?,
            timestamp: Some(moment("timestamp", &fields.required::<Cow<'_, str>>("timestamp")?)?),
            payload: fields.raw("payload")?.to_owned(),
            metadata: metadata(Fields::inside("metadata", fields.raw("metadata")?)?)?,
            unknown: fields.rest()?,
        })
    }
}

pub(crate) fn moment(field: &'static str, text: &str) -> Result<Timestamp, EventError> {
    Timestamp::parse(text).map_err(|error| EventError::invalid(field, error))
}

fn metadata(mut fields: Fields<'_>) -> Result<Metadata, EventError> {
    let (traceparent, tracestate) = fields.trace();
    Ok(Metadata {
        correlation_id: fields.required("correlationId")?,
        causation_id: fields.required("causationId")?,
        user_id: fields.optional("userId")?,
        sequence: fields.optional("sequence")?,
        schema_version: fields.optional("schemaVersion")?.unwrap_or(FIRST_VERSION),
        traceparent,
        tracestate,
        unknown: fields.rest()?,
    })
}

/// Checks what types do not: lengths, characters, ranges.
pub(crate) fn check_metadata(metadata: &Metadata) -> Result<(), EventError> {
    check_name("metadata.correlationId", &metadata.correlation_id, ID_BYTES_MAX)?;
    check_name("metadata.causationId", &metadata.causation_id, ID_BYTES_MAX)?;
    if let Some(user) = &metadata.user_id {
        check_text("metadata.userId", user, ID_BYTES_MAX)?;
    }
    match metadata.sequence {
        Some(sequence) if !(1..=SEQUENCE_MAX).contains(&sequence) => Err(EventError::invalid(
            "metadata.sequence",
            format!("sequences run from 1 to {SEQUENCE_MAX}"),
        )),
        _ => Ok(()),
    }
}
