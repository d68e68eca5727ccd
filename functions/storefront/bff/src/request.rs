//! What every request brings along, whoever sends it.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use onecommit_client::{CORRELATION_ID, CallContext, Deadline, REQUEST_DEADLINE, TRACEPARENT};
use onecommit_environment::Timestamp;
use onecommit_environment::correlation::correlation_id;

use crate::bff::Bff;
use crate::session::{Caller, Refused};

/// The longest correlation id that is taken over, in bytes.
const CORRELATION_ID_BYTES_MAX: usize = 128;
/// A W3C trace context of version 00 has 55 bytes; later ones may have more.
const TRACEPARENT_BYTES_MAX: usize = 128;

/// On whose account the services are called, and until when whoever asks waits.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) context: CallContext,
    pub(crate) deadline: Deadline,
}

/// An id that everything shares that follows from this request.
#[derive(Clone)]
struct Correlation(HeaderValue);

/// Gives the request a correlation id unless it has one, and the answer the same.
pub(crate) async fn correlated(State(bff): State<Bff>, mut request: Request, next: Next) -> Response {
    let given = request
        .headers()
        .get(CORRELATION_ID)
        .filter(|id| is_plain(id, CORRELATION_ID_BYTES_MAX));
    // The same that log lines and the answer carry.
    let of_request = || correlation_id().and_then(|id| HeaderValue::try_from(id).ok());
    let id = given
        .cloned()
        .or_else(of_request)
        .or_else(|| HeaderValue::from_str(&bff.environment().ids().next().to_string()).ok());
    let id = id.unwrap_or(HeaderValue::from_static("none"));
    request.extensions_mut().insert(Correlation(id.clone()));
    let mut response = next.run(request).await;
    response.headers_mut().insert(CORRELATION_ID, id);
    response
}

fn is_plain(value: &HeaderValue, bytes_max: usize) -> bool {
    (1..=bytes_max).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic)
}

impl Asked {
    fn of(parts: &Parts, bff: &Bff) -> Self {
        let correlation = parts.extensions.get::<Correlation>().and_then(|id| id.0.to_str().ok());
        let deadline = deadline_in(&parts.headers, bff);
        let context = CallContext::correlated(correlation.unwrap_or_default()).until(deadline);
        let trace = parts
            .headers
            .get(TRACEPARENT)
            .filter(|value| is_plain(value, TRACEPARENT_BYTES_MAX));
        let context = match trace.and_then(|value| value.to_str().ok()) {
            Some(trace) => context.traced(trace),
            None => context,
        };
        Self { context, deadline }
    }
}

/// Until when the sender of the request says that it waits. What is no time is as good as nothing.
fn deadline_in(headers: &HeaderMap, bff: &Bff) -> Deadline {
    let text = headers.get(REQUEST_DEADLINE).and_then(|value| value.to_str().ok());
    let clock = bff.environment().clock();
    match text.and_then(|text| Timestamp::parse(text).ok()) {
        Some(at) => Deadline::after(at.since(clock.now()), clock),
        None => Deadline::none(),
    }
}

impl FromRequestParts<Bff> for Asked {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, bff: &Bff) -> Result<Self, Self::Rejection> {
        Ok(Self::of(parts, bff))
    }
}

impl FromRequestParts<Bff> for Caller {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, bff: &Bff) -> Result<Self, Refused> {
        Self::of(parts, bff.sessions()).await
    }
}
