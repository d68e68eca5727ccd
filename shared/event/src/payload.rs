use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};

use crate::error::EventError;
use crate::id::EventId;

/// The payload type of one event type.
pub trait Payload: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The `eventType` on the wire.
    const EVENT_TYPE: &'static str;
    /// The `schemaVersion` on the wire.
    const SCHEMA_VERSION: u32 = 1;
}

/// A payload that is not decoded: the JSON text as it arrived.
pub type RawPayload = Box<RawValue>;

/// The payload that says nothing.
pub(crate) fn empty() -> RawPayload {
    to_raw_value(&EMPTY).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

const EMPTY: BTreeMap<String, String> = BTreeMap::new();

/// A new event, before it has an id and a place in a stream.
#[derive(Clone, Debug)]
pub struct NewEvent {
    pub(crate) id: Option<EventId>,
    pub(crate) event_type: String,
    pub(crate) schema_version: u32,
    pub(crate) payload: RawPayload,
}

impl NewEvent {
    /// An event with this payload.
    ///
    /// # Errors
    /// When the payload cannot be written as JSON.
    pub fn of<P: Payload>(payload: &P) -> Result<Self, EventError> {
        let raw = to_raw_value(payload).map_err(|error| EventError::payload(P::EVENT_TYPE, &error))?;
        Ok(Self {
            id: None,
            event_type: P::EVENT_TYPE.to_owned(),
            schema_version: P::SCHEMA_VERSION,
            payload: raw,
        })
    }

    /// With this id instead of a new one, so that the answer to it can be recognised before it is published. The caller
    /// must not use the id for another event.
    #[must_use]
    pub fn with_id(mut self, id: EventId) -> Self {
        self.id = Some(id);
        self
    }

    /// The chosen id, if any.
    #[must_use]
    pub fn id(&self) -> Option<EventId> {
        self.id
    }

    /// What happened.
    #[must_use]
    pub fn event_type(&self) -> &str {
        &self.event_type
    }
}
