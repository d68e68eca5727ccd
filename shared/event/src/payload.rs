use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// A payload of one event type, as the domain knows it.
pub trait Payload: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The `eventType` on the wire.
    const EVENT_TYPE: &'static str;
    /// The `schemaVersion` on the wire.
    const SCHEMA_VERSION: u32 = 1;
}

/// A payload that has not been looked into: the JSON text as it came.
pub type RawPayload = Box<RawValue>;
