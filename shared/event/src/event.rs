use std::sync::Arc;

use onecommit_environment::{Environment, Timestamp};
use onecommit_json::{Object, Rules};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::aggregate::{Aggregate, check_name};
use crate::error::EventError;
use crate::fingerprint::Fingerprint;
use crate::id::EventId;
use crate::metadata::Metadata;
use crate::payload::{self, NewEvent, Payload, RawPayload};
use crate::unknown::UnknownFields;
use crate::wire::{WireEvent, WireEventRef, check_metadata, object_of};

/// The longest event type, in bytes: EventBridge's limit for a detail type.
const TYPE_BYTES_MAX: usize = 128;

/// A domain event: something that happened to an aggregate.
///
/// An `Event<P>` that exists is valid. `Event` alone is one whose payload is still JSON text; [`Event::decode`] makes
/// it typed. Clones share everything but the payload.
#[derive(Clone, Debug)]
pub struct Event<P = RawPayload> {
    head: Arc<Head>,
    payload: P,
}

#[derive(Clone, Debug)]
struct Head {
    id: EventId,
    event_type: String,
    aggregate: Aggregate,
    timestamp: Timestamp,
    is_dated: bool,
    metadata: Metadata,
    unknown: UnknownFields,
}

impl<P> Event<P> {
    /// The id by which copies are recognised.
    #[must_use]
    pub fn id(&self) -> EventId {
        self.head.id
    }

    /// What happened, for example `ParcelShipped`.
    #[must_use]
    pub fn event_type(&self) -> &str {
        &self.head.event_type
    }

    /// To what it happened.
    #[must_use]
    pub fn aggregate(&self) -> &Aggregate {
        &self.head.aggregate
    }

    /// When it happened; of an event that is not [dated](Self::is_dated), the beginning of 1970.
    #[must_use]
    pub fn timestamp(&self) -> Timestamp {
        self.head.timestamp
    }

    /// Whether it has a time. Only a CloudEvents event may be without one, since it is optional there.
    #[must_use]
    pub fn is_dated(&self) -> bool {
        self.head.is_dated
    }

    /// Where it comes from and what it belongs to.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.head.metadata
    }

    /// Top-level fields this version does not know, kept as they were written.
    #[must_use]
    pub fn unknown_fields(&self) -> &UnknownFields {
        &self.head.unknown
    }

    /// The payload.
    pub fn payload(&self) -> &P {
        &self.payload
    }

    /// The payload, without the envelope.
    pub fn into_payload(self) -> P {
        self.payload
    }

    /// The same event with other metadata.
    #[must_use]
    pub fn with_metadata(mut self, metadata: Metadata) -> Self {
        Arc::make_mut(&mut self.head).metadata = metadata;
        self
    }

    /// The same event on behalf of this user, or without one.
    ///
    /// # Errors
    /// When the user's id is too long or holds a control character.
    pub fn on_behalf_of(self, user_id: Option<String>) -> Result<Self, EventError> {
        let metadata = Metadata {
            user_id,
            ..self.head.metadata.clone()
        };
        check_metadata(&metadata)?;
        Ok(self.with_metadata(metadata))
    }

    /// The same event, happened at another time.
    #[must_use]
    pub fn with_timestamp(mut self, timestamp: Timestamp) -> Self {
        let head = Arc::make_mut(&mut self.head);
        (head.timestamp, head.is_dated) = (timestamp, true);
        self
    }

    /// The same event under another id.
    #[must_use]
    pub fn with_id(mut self, id: EventId) -> Self {
        Arc::make_mut(&mut self.head).id = id;
        self
    }
}

impl<P: Payload> Event<P> {
    /// A new event that starts something: now, with a new id, being its own cause.
    #[must_use]
    pub fn new(aggregate: Aggregate, payload: P, environment: &Environment) -> Self {
        let id = EventId::new(environment);
        let metadata = Metadata {
            schema_version: P::SCHEMA_VERSION,
            ..Metadata::starting(id.to_string())
        }
        .in_current_trace(environment);
        let head = Head {
            id,
            event_type: P::EVENT_TYPE.to_owned(),
            aggregate,
            timestamp: Timestamp::from_unix_ms(environment.clock().now().unix_ms()),
            metadata,
            is_dated: true,
            unknown: UnknownFields::default(),
        };
        Self {
            head: Arc::new(head),
            payload,
        }
    }

    /// A new event that follows from `cause`: same correlation, user and trace, caused by that event and, where traces are on,
    /// by the current span.
    #[must_use]
    pub fn caused_by<C>(cause: &Event<C>, aggregate: Aggregate, payload: P, environment: &Environment) -> Self {
        let origin = cause.metadata();
        let metadata = Metadata {
            user_id: origin.user_id.clone(),
            traceparent: origin.traceparent.clone(),
            tracestate: origin.tracestate.clone(),
            schema_version: P::SCHEMA_VERSION,
            ..Metadata::caused_by(origin.correlation_id.clone(), cause.id().to_string())
        }
        .in_current_trace(environment);
        Self::new(aggregate, payload, environment).with_metadata(metadata)
    }

    /// The same event with its payload as JSON text, as publishers take it.
    ///
    /// # Errors
    /// When the payload cannot be written as a JSON object.
    pub fn into_raw(self) -> Result<Event, EventError> {
        let raw = to_raw_value(&self.payload).map_err(|error| EventError::payload(P::EVENT_TYPE, &error))?;
        check_payload(&raw)?;
        Ok(Event {
            head: self.head,
            payload: raw,
        })
    }
}

impl Event {
    /// A new event with its payload as JSON text: now, with this metadata, and a new id unless it has one. Where traces are on,
    /// it is caused by the current span.
    ///
    /// # Errors
    /// When the event type is not valid or the payload is not a JSON object.
    pub fn from_new(
        new: NewEvent,
        aggregate: Aggregate,
        metadata: Metadata,
        environment: &Environment,
    ) -> Result<Self, EventError> {
        check_name("eventType", &new.event_type, TYPE_BYTES_MAX)?;
        check_payload(&new.payload)?;
        let head = Head {
            id: new.id.unwrap_or_else(|| EventId::new(environment)),
            event_type: new.event_type,
            aggregate,
            timestamp: Timestamp::from_unix_ms(environment.clock().now().unix_ms()),
            metadata: Metadata {
                schema_version: new.schema_version,
                ..metadata.in_current_trace(environment)
            },
            is_dated: true,
            unknown: UnknownFields::default(),
        };
        Ok(Self {
            head: Arc::new(head),
            payload: new.payload,
        })
    }

    /// The same event with another payload, of this schema version.
    #[must_use]
    pub fn with_payload(&self, payload: RawPayload, schema_version: u32) -> Self {
        let mut changed = self.clone();
        Arc::make_mut(&mut changed.head).metadata.schema_version = schema_version;
        changed.payload = payload;
        changed
    }

    /// Reads an event in the wire format.
    ///
    /// # Errors
    /// When the text is not JSON, a required field is missing or one has the wrong type or content, or the payload or a
    /// field that is not understood holds what some route would change ([`onecommit_json::check`]).
    pub fn from_json(json: &str) -> Result<Self, EventError> {
        Self::from_object(object_of(json)?)
    }

    /// Reads an event from a request to publish it. Its sender can still correct mistakes that a consumer has to tolerate,
    /// so a member that is written twice is rejected by name.
    ///
    /// # Errors
    /// As [`from_json`](Self::from_json), and when a member is written twice.
    pub fn from_request(json: &str) -> Result<Self, EventError> {
        let raw = onecommit_json::raw(json).map_err(|error| EventError::malformed(&error))?;
        onecommit_json::check(raw, Rules::Request).map_err(|error| EventError::event(&error))?;
        Self::from_json(json)
    }

    /// The same event, found in the stream of this name. The right to write to one stream must not allow events of another
    /// aggregate.
    ///
    /// # Errors
    /// When its aggregate is not that of the stream.
    pub fn found_in(self, stream: &str) -> Result<Self, EventError> {
        let aggregate = self.aggregate();
        match stream.split_once('#') {
            Some((kind, id)) if kind == aggregate.kind() && id == aggregate.id() => Ok(self),
            _ => Err(EventError::invalid(
                "aggregateType or aggregateId",
                "the event is of another aggregate than the stream that holds it",
            )),
        }
    }

    pub(crate) fn from_object(object: Object<'_>) -> Result<Self, EventError> {
        Self::from_wire(WireEvent::read(object)?)
    }

    pub(crate) fn from_wire(wire: WireEvent) -> Result<Self, EventError> {
        check_name("eventType", &wire.event_type, TYPE_BYTES_MAX)?;
        check_metadata(&wire.metadata)?;
        check_payload(&wire.payload)?;
        let head = Head {
            id: wire.event_id,
            event_type: wire.event_type,
            aggregate: Aggregate::new(wire.aggregate_type, wire.aggregate_id)?,
            timestamp: wire.timestamp.unwrap_or(Timestamp::from_unix_ms(0)),
            is_dated: wire.timestamp.is_some(),
            metadata: wire.metadata,
            unknown: wire.unknown,
        };
        Ok(Self {
            head: Arc::new(head),
            payload: wire.payload,
        })
    }

    /// Reads the payload as `P`, by the rules of [`onecommit_json`].
    ///
    /// # Errors
    /// When the payload is not a `P`.
    pub fn decode<P: Payload>(&self) -> Result<Event<P>, EventError> {
        let payload = onecommit_json::from_raw(&self.payload)
            .map_err(|error| EventError::payload(&self.head.event_type, &error))?;
        Ok(Event {
            head: Arc::clone(&self.head),
            payload,
        })
    }

    /// The same event with an empty payload, and a field that refers to the stored payload.
    #[must_use]
    pub fn with_empty_payload(&self, field: &str, value: Value) -> Self {
        let mut light = self.clone();
        if let Ok(value) = to_raw_value(&value) {
            Arc::make_mut(&mut light.head).unknown.insert(field, value);
        }
        light.payload = payload::empty();
        light
    }

    /// The same event with this payload, without the field that referred to it.
    ///
    /// # Errors
    /// When the payload is not a JSON object.
    pub fn with_claimed_payload(&self, field: &str, payload: String) -> Result<Self, EventError> {
        let raw = RawValue::from_string(payload).map_err(|error| EventError::payload(self.event_type(), &error))?;
        check_payload(&raw)?;
        let mut whole = self.clone();
        Arc::make_mut(&mut whole.head).unknown.remove(field);
        whole.payload = raw;
        Ok(whole)
    }

    /// A hash of the event's content: two events with one id and different fingerprints contradict each other.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.head.event_type, &self.head.aggregate, &self.payload)
    }

    /// Whether a recorded fingerprint is one of this event's content. It may have been recorded by a version that compared
    /// numbers as doubles.
    #[must_use]
    pub fn says_what(&self, recorded: &str) -> bool {
        let (head, payload) = (&self.head, &self.payload);
        self.fingerprint().to_string() == recorded
            || Fingerprint::before_exact_numbers(&head.event_type, &head.aggregate, payload)
                .is_some_and(|fingerprint| fingerprint.to_string() == recorded)
    }
}

impl<P: serde::Serialize> Event<P> {
    /// The event as JSON text in the wire format.
    ///
    /// # Panics
    /// When the payload cannot be written as JSON, for example because of a map whose keys are no texts. A payload that
    /// was read from JSON always can.
    #[must_use]
    #[allow(
        clippy::expect_used,
        reason = "only a payload that is no JSON fails, which is a fault of its type"
    )]
    pub fn to_json(&self) -> String {
        let wire = WireEventRef {
            event_id: self.head.id,
            event_type: &self.head.event_type,
            aggregate_id: self.head.aggregate.id(),
            aggregate_type: self.head.aggregate.kind(),
            timestamp: self.head.timestamp.to_string(),
            payload: &self.payload,
            metadata: &self.head.metadata,
            unknown: &self.head.unknown,
        };
        serde_json::to_string(&wire).expect("a payload type must be writable as JSON")
    }
}

fn check_payload(payload: &RawValue) -> Result<(), EventError> {
    if !payload.get().starts_with('{') {
        return Err(EventError::invalid("payload", "it is not a JSON object"));
    }
    onecommit_json::check(payload, Rules::Travelled).map_err(|error| EventError::event(&error.inside("payload")))
}
