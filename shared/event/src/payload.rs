use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};

use crate::error::EventError;

/// A payload of one event type, as the domain knows it.
pub trait Payload: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The `eventType` on the wire.
    const EVENT_TYPE: &'static str;
    /// The `schemaVersion` on the wire.
    const SCHEMA_VERSION: u32 = 1;
}

/// A payload that has not been looked into: the JSON text as it came.
pub type RawPayload = Box<RawValue>;

/// What has just happened, before it has an id and a place in a stream.
#[derive(Clone, Debug)]
pub struct NewEvent {
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
            event_type: P::EVENT_TYPE.to_owned(),
            schema_version: P::SCHEMA_VERSION,
            payload: raw,
        })
    }

    /// What happened.
    #[must_use]
    pub fn event_type(&self) -> &str {
        &self.event_type
    }
}
