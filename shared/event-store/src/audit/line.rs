//! The three kinds of line. An unknown field is an error: no hash would cover it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::audit::hash::Hash;

/// The form of the file, and of what is hashed.
pub(crate) const FORMAT: &str = "onecommit-audit-1";

/// What an export holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Scope {
    /// All events of one stream, `Order#ord_1`.
    Stream {
        /// The stream.
        stream: String,
    },
    /// The events of all streams that happened in a time range, in the order in which the table gave them.
    Range {
        /// From this moment on (RFC 3339).
        from_time: String,
        /// Before this moment (RFC 3339).
        to_time: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Header<'a> {
    pub(crate) format: Cow<'a, str>,
    pub(crate) scope: Scope,
    pub(crate) exported_at: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventLine<'a> {
    /// The event's number in the file, from 1.
    pub(crate) line: u64,
    #[serde(borrow)]
    pub(crate) stream: Cow<'a, str>,
    pub(crate) version: u64,
    #[serde(borrow)]
    pub(crate) event: &'a RawValue,
    pub(crate) previous: Hash,
    pub(crate) hash: Hash,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Closing {
    pub(crate) events: u64,
    pub(crate) head: Hash,
}
