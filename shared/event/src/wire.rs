//! The event as JSON, with exactly the names other languages use.

use std::borrow::Cow;

use onecommit_environment::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::id::EventId;
use crate::metadata::Metadata;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireEvent {
    pub(crate) event_id: EventId,
    pub(crate) event_type: String,
    pub(crate) aggregate_id: String,
    pub(crate) aggregate_type: String,
    #[serde(deserialize_with = "timestamp")]
    pub(crate) timestamp: Timestamp,
    pub(crate) payload: Box<RawValue>,
    pub(crate) metadata: Metadata,
    #[serde(flatten)]
    pub(crate) unknown: Map<String, Value>,
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
    pub(crate) unknown: &'a Map<String, Value>,
}

fn timestamp<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = Cow::<str>::deserialize(deserializer)?;
    Timestamp::parse(&text).map_err(|error| serde::de::Error::custom(format_args!("timestamp: {error}")))
}
