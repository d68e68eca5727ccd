//! What an HTTP request is part of: the correlation and the trace that its headers name, or new ones.

use std::future::Future;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::response::Response;
use onecommit_environment::{Environment, TRACES, TraceContext, Tracer, correlation};
use tracing::field::Empty;
use tracing::{Instrument, Span, info_span};

const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const XRAY: HeaderName = HeaderName::from_static("x-amzn-trace-id");

/// The longest route that names a span, in bytes.
const ROUTE_BYTES_MAX: usize = 128;

/// The route that API Gateway matched, as `/orders/{orderId}`.
#[derive(Clone, Debug)]
pub(crate) struct Resource(pub(crate) String);

impl Resource {
    /// Of what API Gateway calls the resource. A route that takes every path says nothing.
    pub(crate) fn of(resource: Option<String>) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./{}".contains(&byte);
        let is_route =
            |text: &String| text.len() <= ROUTE_BYTES_MAX && text.bytes().all(is_plain) && !text.contains('+');
        resource.filter(is_route).map(Self)
    }
}

/// A request from outside.
pub(crate) struct Incoming {
    correlation_id: String,
    span: Span,
}

impl Incoming {
    /// Of a request with these headers. What is wrong with them is as if it were not there, and never fails the request;
    /// `baggage` is not read.
    pub(crate) fn of(headers: &HeaderMap, method: &Method, route: &str, environment: &Environment) -> Self {
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
    pub(crate) async fn serve(self, answer: impl Future<Output = Response>) -> Response {
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
    let by_w3c = || TraceContext::read(text(headers, &TRACEPARENT)?, text(headers, &TRACESTATE));
    let by_xray = || tracer.read_xray(text(headers, &XRAY)?);
    by_w3c().or_else(by_xray)
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
