//! The span of a call, over all its attempts.

use onecommit_client::CallContext;
use onecommit_environment::{Environment, TRACES};
use tracing::field::Empty;
use tracing::{Span, info, info_span};

use super::error::{GrpcError, GrpcTrouble};

/// A child of the span that the code runs in, or else of what the call is made on account of.
pub(super) fn span_of(service: &str, method: &str, context: &CallContext, environment: &Environment) -> Span {
    let span = info_span!(
        target: TRACES,
        "call",
        otel.kind = "client",
        otel.name = method,
        otel.status_code = Empty,
        rpc.system = "grpc",
        rpc.method = method,
        rpc.grpc.status_code = Empty,
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
pub(super) fn attempt(number: u32) {
    info!(target: TRACES, { rpc.request.attempt = number }, "attempt");
}

/// Notes on a call's span how it ended.
pub(super) fn note<T>(span: &Span, result: &Result<T, GrpcError>) {
    match result.as_ref().map_err(GrpcError::trouble) {
        Ok(_) => {
            span.record("rpc.grpc.status_code", 0);
        }
        Err(trouble) => {
            span.record("error.type", trouble.kind());
            span.record("otel.status_code", "ERROR");
            if let GrpcTrouble::Refused(refusal) = trouble {
                span.record("rpc.grpc.status_code", i32::from(refusal.code()));
            }
        }
    }
}
