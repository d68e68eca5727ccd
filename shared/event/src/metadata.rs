use onecommit_environment::{Environment, TraceContext, correlation};
use serde::Serialize;

use crate::unknown::UnknownFields;

/// Where an event comes from and what it belongs to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// One id for everything that follows from one cause, across services.
    pub correlation_id: String,
    /// The id of what directly caused this event: an event, a command, a request.
    pub causation_id: String,
    /// The user on whose behalf it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The position in its aggregate's stream, from 1. Present when the event comes from the event store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// The version of the payload's schema.
    pub schema_version: u32,
    /// W3C trace context: the span that caused this event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// What tracing systems say about that trace. Without a `traceparent` there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracestate: Option<String>,
    /// Fields this version does not know, kept as they were written.
    #[serde(flatten)]
    pub unknown: UnknownFields,
}

/// The version of a schema that nothing is said about.
pub(crate) const FIRST_VERSION: u32 = 1;

impl Metadata {
    /// The metadata of an event that starts something new: it is its own cause, and its own correlation unless a request
    /// under way has one ([`correlation`]).
    #[must_use]
    pub fn starting(id: impl Into<String>) -> Self {
        let id = id.into();
        let correlation_id = correlation::correlation_id().unwrap_or_else(|| id.clone());
        Self::caused_by(correlation_id, id)
    }

    /// The metadata of an event that follows from `causation_id` within `correlation_id`.
    #[must_use]
    pub fn caused_by(correlation_id: impl Into<String>, causation_id: impl Into<String>) -> Self {
        Self {
            correlation_id: correlation_id.into(),
            causation_id: causation_id.into(),
            user_id: None,
            sequence: None,
            schema_version: FIRST_VERSION,
            traceparent: None,
            tracestate: None,
            unknown: UnknownFields::default(),
        }
    }

    /// The trace that caused the event.
    #[must_use]
    pub fn trace_context(&self) -> Option<TraceContext> {
        TraceContext::read(self.traceparent.as_deref()?, self.tracestate.as_deref())
    }

    /// The same metadata, of an event that is caused now: by the current span, where traces are on. Where they are off, the
    /// trace stays what it was.
    #[must_use]
    pub(crate) fn in_current_trace(mut self, environment: &Environment) -> Self {
        if let Some(current) = environment.trace_context() {
            let (traceparent, tracestate) = current.into_parts();
            (self.traceparent, self.tracestate) = (Some(traceparent), tracestate);
        }
        self
    }
}
