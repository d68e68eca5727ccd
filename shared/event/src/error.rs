use std::fmt;

use onecommit_json::JsonError;

/// Why an input is not an event. The same input always fails in the same way, so a retry cannot succeed.
#[derive(Debug)]
pub struct EventError {
    kind: EventErrorKind,
    detail: String,
}

/// The kind of the error, as dead letters and API answers name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventErrorKind {
    /// Not JSON, or not a JSON object.
    MalformedBody,
    /// JSON, but none of the accepted forms, or one of them without its event.
    InvalidEnvelope,
    /// One of the accepted forms, but the event in it misses a field or has one of the wrong type or content.
    InvalidEvent,
    /// The event is sound; its payload is not what its type promises.
    InvalidPayload,
}

impl EventErrorKind {
    /// The name as written on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MalformedBody => "MalformedBody",
            Self::InvalidEnvelope => "InvalidEnvelope",
            Self::InvalidEvent => "InvalidEvent",
            Self::InvalidPayload => "InvalidPayload",
        }
    }
}

impl fmt::Display for EventErrorKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl EventError {
    /// A body, or what an envelope holds, that is not an object.
    pub(crate) fn malformed(error: &JsonError) -> Self {
        Self {
            kind: EventErrorKind::MalformedBody,
            detail: format!("the body is not a JSON object: {error}"),
        }
    }

    pub(crate) fn envelope(detail: impl Into<String>) -> Self {
        Self {
            kind: EventErrorKind::InvalidEnvelope,
            detail: detail.into(),
        }
    }

    /// The field is in the error's path.
    pub(crate) fn event(error: &JsonError) -> Self {
        Self {
            kind: EventErrorKind::InvalidEvent,
            detail: format!("not a domain event: {error}"),
        }
    }

    pub(crate) fn payload(event_type: &str, error: &dyn fmt::Display) -> Self {
        Self {
            kind: EventErrorKind::InvalidPayload,
            detail: format!("the payload is not a {event_type}: {error}"),
        }
    }

    pub(crate) fn invalid(field: &'static str, problem: impl fmt::Display) -> Self {
        Self {
            kind: EventErrorKind::InvalidEvent,
            detail: format!("{field} is invalid: {problem}"),
        }
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> EventErrorKind {
        self.kind
    }
}

impl fmt::Display for EventError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.detail)
    }
}

impl std::error::Error for EventError {}
