//! What a request is part of: the correlation and the trace that its headers name, or new ones.

use std::future::Future;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::response::Response;
use onecommit_environment::{Environment, TRACES, TraceContext, Tracer, correlation};
use onecommit_event::shown_name;
use tracing::field::Empty;
use tracing::{Instrument, Span, info_span};

const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const XRAY: HeaderName = HeaderName::from_static("x-amzn-trace-id");

/// A request from outside, on behalf of a correlation id and within a span.
#[derive(Debug)]
pub struct Incoming {
    correlation_id: String,
    span: Span,
}

impl Incoming {
    /// Of a request with these headers. What is wrong with them is as if it were not there, and never fails the request;
    /// `baggage` is not read.
    #[must_use]
    pub fn of(headers: &HeaderMap, method: &Method, route: &str, environment: &Environment) -> Self {
        let named = text(headers, &CORRELATION_ID).filter(|id| correlation::is_correlation_id(id));
        let correlation_id = named.map_or_else(|| environment.ids().next().to_string(), str::to_owned);
        let span = info_span!(
            target: TRACES,
            "request",
            otel.kind = "server",
            otel.name = format!("{} {route}", known(method)),
            otel.status_code = Empty,
            http.request.method = known(method),
            http.route = route,
            http.response.status_code = Empty,
            error.r#type = Empty,
            correlation.id = correlation_id,
        );
        if let Some(tracer) = environment.tracer().filter(|_| !span.is_disabled())
            && let Some(caller) = caller(headers, tracer)
        {
            tracer.set_parent(&span, &caller);
        }
        Self { correlation_id, span }
    }

    /// Answers it: log lines and events that it starts carry its correlation id, and so does the answer.
    pub async fn serve(self, answer: impl Future<Output = Response>) -> Response {
        let Self { correlation_id, span } = self;
        let logged = info_span!("request", correlation.id = correlation_id);
        let answering = answer.instrument(logged).instrument(span.clone());
        let echo = HeaderValue::from_str(&correlation_id);
        let mut response = correlation::correlated(correlation_id, answering).await;
        if let Ok(echo) = echo {
            response.headers_mut().insert(CORRELATION_ID, echo);
        }
        let status = response.status();
        span.record("http.response.status_code", status.as_u16());
        if status.is_server_error() {
            span.record("error.type", status.as_str());
            span.record("otel.status_code", "ERROR");
        }
        response
    }
}

/// The span of whoever asks: by W3C's headers, else by X-Ray's.
fn caller(headers: &HeaderMap, tracer: &dyn Tracer) -> Option<TraceContext> {
    let by_xray = || tracer.read_xray(text(headers, &XRAY)?);
    caller_by_w3c(headers).or_else(by_xray)
}

/// A path without what callers write into it, to name a span when no route does: its first part.
#[must_use]
pub fn start_of(path: &str) -> String {
    let mut parts = path.trim_start_matches('/').splitn(2, '/');
    let first = shown_name(parts.next().unwrap_or_default());
    match parts.next() {
        Some(_) => format!("/{first}/.."),
        None => format!("/{first}"),
    }
}

/// The span of whoever asks, by W3C's headers alone: it can be passed on where nothing is traced.
#[must_use]
pub fn caller_by_w3c(headers: &HeaderMap) -> Option<TraceContext> {
    TraceContext::read(text(headers, &TRACEPARENT)?, text(headers, &TRACESTATE))
}

/// The value of a header that is there once, and is text.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    values.next().is_none().then(|| first.to_str().ok()).flatten()
}

/// A method that HTTP knows; callers may make up others, and spans are told apart by it.
fn known(method: &Method) -> &str {
    let known = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::PATCH,
        Method::OPTIONS,
    ];
    if known.contains(method) {
        method.as_str()
    } else {
        "_OTHER"
    }
}
