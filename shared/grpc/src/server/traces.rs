//! The span of a call that is served, and its correlation id.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue};
use onecommit_client::{CORRELATION_ID, TRACEPARENT, TRACESTATE};
use onecommit_environment::correlation::{correlated, is_correlation_id};
use onecommit_environment::{Environment, TRACES, TraceContext};
use tracing::field::Empty;
use tracing::{Instrument, Span, info_span};

use super::bounded::GRPC_STATUS;

/// Runs a call within its span, on behalf of its correlation id; the answer carries the id.
pub(super) async fn traced(State(environment): State<Environment>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let given = text_in(headers, &CORRELATION_ID).filter(|id| is_correlation_id(id));
    let id = given.map_or_else(|| environment.ids().next().to_string(), str::to_owned);
    let span = span_of(request.uri().path(), headers, &environment);
    let work = correlated(id.clone(), next.run(request)).instrument(span.clone());
    let mut response = work.await;
    if let Some(code) = text_in(response.headers(), &GRPC_STATUS).and_then(|code| code.parse::<i32>().ok()) {
        span.record("rpc.grpc.status_code", code);
        if code != 0 {
            span.record("otel.status_code", "ERROR");
        }
    }
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(CORRELATION_ID, id);
    }
    response
}

/// Writes the spans before the answer begins: a process that is killed afterwards has lost none of what it has done for it. What a
/// stream does later is written with the next call.
pub(super) async fn written(State(environment): State<Environment>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    if let Some(tracer) = environment.tracer() {
        tracer.write();
    }
    response
}

/// Paths name methods and nobody's data; one that is no method's is left out.
fn span_of(path: &str, headers: &HeaderMap, environment: &Environment) -> Span {
    let is_method = path.len() <= 200
        && path
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._/".contains(&byte));
    let method = if is_method {
        path.trim_start_matches('/')
    } else {
        "unknown"
    };
    let span = info_span!(
        target: TRACES,
        "serve",
        otel.kind = "server",
        otel.name = method,
        otel.status_code = Empty,
        rpc.system = "grpc",
        rpc.method = method,
        rpc.grpc.status_code = Empty,
    );
    let cause =
        text_in(headers, &TRACEPARENT).and_then(|parent| TraceContext::read(parent, text_in(headers, &TRACESTATE)));
    if let Some(tracer) = environment.tracer().filter(|_| !span.is_disabled())
        && let Some(cause) = cause
    {
        tracer.set_parent(&span, &cause);
    }
    span
}

fn text_in<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
