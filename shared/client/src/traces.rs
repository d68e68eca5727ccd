//! The span of a call, over all its attempts.

use http::{Method, StatusCode};
use onecommit_environment::{Environment, TRACES};
use tracing::field::Empty;
use tracing::{Span, info, info_span};

use crate::context::CallContext;
use crate::trouble::Trouble;

/// A child of the span that the code runs in, or else of what the call is made on account of. Paths hold ids of people, so the
/// service alone is named.
pub(crate) fn span_of(service: &str, method: &Method, context: &CallContext, environment: &Environment) -> Span {
    let span = info_span!(
        target: TRACES,
        "call",
        otel.kind = "client",
        otel.name = format!("{method} {service}"),
        otel.status_code = Empty,
        http.request.method = method.as_str(),
        http.response.status_code = Empty,
        http.request.resend_count = Empty,
        onecommit.service = service,
        error.r#type = Empty,
    );
    if let Some(tracer) = environment.tracer().filter(|_| !span.is_disabled())
        && tracer.current().is_none()
        && let Some(cause) = context.trace_context()
    {
        tracer.set_parent(&span, &cause);
    }
    span
}

/// Notes an attempt on the span that the code runs in.
pub(crate) fn attempt(number: u32) {
    info!(target: TRACES, { http.request.attempt = number }, "attempt");
}

/// Notes on a call's span how it ended.
pub(crate) fn note(span: &Span, attempts: u32, status: Result<StatusCode, &Trouble>) {
    span.record("http.request.resend_count", attempts.saturating_sub(1));
    let status = match status {
        Ok(status) => Some(status),
        Err(trouble) => {
            span.record("error.type", trouble.kind());
            span.record("otel.status_code", "ERROR");
            trouble.status()
        }
    };
    if let Some(status) = status {
        span.record("http.response.status_code", status.as_u16());
    }
}
