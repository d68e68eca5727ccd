//! The span of one message, for traces.

use onecommit_environment::TRACES;
use onecommit_event::{Event, shown_name};
use tracing::field::Empty;
use tracing::{Span, info_span};

use super::Engine;
use crate::delivery::Delivery;
use crate::verdict::Verdict;

impl Engine {
    /// Follows from what caused the event: from the span in its metadata, or the one in the X-Ray header of the message. A batch
    /// holds messages of several traces, so its own span is linked.
    pub(super) fn process_span(&self, event: &Event, delivery: &Delivery) -> Span {
        let span = info_span!(
            target: TRACES,
            "process",
            otel.kind = "consumer",
            otel.name = format!("process {}", shown_name(event.event_type())),
            otel.status_code = Empty,
            messaging.system = "aws_sqs",
            messaging.operation.name = "process",
            messaging.operation.r#type = "process",
            messaging.message.id = delivery.message_id,
            onecommit.consumer = self.name(),
            onecommit.receive_count = delivery.receive_count,
            onecommit.verdict = Empty,
            error.r#type = Empty,
            event.id = %event.id(),
            correlation.id = shown_name(&event.metadata().correlation_id),
        );
        let Some(tracer) = self.environment.tracer().filter(|_| !span.is_disabled()) else {
            return span;
        };
        let of_message = || tracer.read_xray(delivery.trace_header.as_deref()?);
        if let Some(cause) = event.metadata().trace_context().or_else(of_message) {
            tracer.place(&span, &cause);
        }
        span
    }
}

/// Notes on a message's span what became of it.
pub(super) fn note(span: &Span, verdict: &Verdict) {
    let (word, trouble) = match verdict {
        Verdict::Done => ("done", None),
        Verdict::Duplicate => ("duplicate", None),
        Verdict::Ignored => ("ignored", None),
        Verdict::Retry { reason, .. } => ("retry", Some(reason.as_str())),
        Verdict::Park { reason, .. } => ("park", Some(reason.as_str())),
    };
    span.record("onecommit.verdict", word);
    if let Some(reason) = trouble {
        span.record("error.type", reason);
        span.record("otel.status_code", "ERROR");
    }
}
