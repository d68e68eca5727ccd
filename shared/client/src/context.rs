use http::{HeaderMap, HeaderName, HeaderValue};
use onecommit_environment::TraceContext;
use onecommit_event::Metadata;
use onecommit_resilience::Deadline;

/// Header of the id that everything shares that follows from one cause.
pub const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");
/// Header of the W3C trace context.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// Header of what tracing systems say about the trace.
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
/// Header of AWS X-Ray for the same.
pub(crate) const XRAY: HeaderName = HeaderName::from_static("x-amzn-trace-id");

/// On whose account a call is made: what is passed on to the service, and until when the caller waits.
///
/// ```
/// # use std::time::Duration;
/// # use onecommit_client::{CallContext, Deadline};
/// # use onecommit_environment::Environment;
/// # let environment = Environment::system();
/// let invocation = Deadline::after(Duration::from_millis(800), environment.clock());
/// let context = CallContext::correlated("order-17").until(invocation);
/// # let _ = context;
/// ```
#[derive(Clone, Debug)]
pub struct CallContext {
    correlation_id: Option<String>,
    traceparent: Option<String>,
    xray: Option<String>,
    tracestate: Option<String>,
    deadline: Deadline,
}

impl Default for CallContext {
    fn default() -> Self {
        Self {
            correlation_id: None,
            traceparent: None,
            xray: None,
            tracestate: None,
            deadline: Deadline::none(),
        }
    }
}

impl CallContext {
    /// A call that belongs to everything else with this id.
    #[must_use]
    pub fn correlated(correlation_id: impl Into<String>) -> Self {
        Self {
            correlation_id: Some(correlation_id.into()),
            ..Self::default()
        }
    }

    /// A call that follows from an event.
    #[must_use]
    pub fn caused_by(event: &Metadata) -> Self {
        Self {
            correlation_id: Some(event.correlation_id.clone()),
            traceparent: event.traceparent.clone(),
            xray: None,
            tracestate: event.tracestate.clone(),
            deadline: Deadline::none(),
        }
    }

    /// With this W3C trace context. Where traces are on, the call's own span is passed on in its place: a child of the span
    /// that the code runs in, or else of this one.
    #[must_use]
    pub fn traced(mut self, traceparent: impl Into<String>) -> Self {
        self.traceparent = Some(traceparent.into());
        self.tracestate = None;
        self
    }

    /// The trace that the call is part of.
    #[must_use]
    pub fn trace_context(&self) -> Option<TraceContext> {
        TraceContext::read(self.traceparent.as_deref()?, self.tracestate.as_deref())
    }

    /// In this place of a trace, as the one who calls has it.
    #[must_use]
    pub fn at(mut self, place: TraceContext) -> Self {
        let (traceparent, tracestate) = place.into_parts();
        (self.traceparent, self.tracestate) = (Some(traceparent), tracestate);
        self.xray = None;
        self
    }

    /// The same place as X-Ray's header names it, for services behind API Gateway and load balancers of AWS.
    pub(crate) fn shown_to_xray(mut self, header: Option<String>) -> Self {
        self.xray = header;
        self
    }

    /// Whose caller waits until then, as the invocation does. The client's own limit holds beside it.
    #[must_use]
    pub fn until(mut self, deadline: Deadline) -> Self {
        self.deadline = deadline;
        self
    }

    /// Until when the caller waits.
    #[must_use]
    pub fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// Adds what is passed on. An id from outside that fits into no header is left out: a call does not fail for it.
    pub fn write(&self, headers: &mut HeaderMap) {
        let passed_on = [
            (CORRELATION_ID, &self.correlation_id),
            (TRACEPARENT, &self.traceparent),
            (TRACESTATE, &self.tracestate),
            (XRAY, &self.xray),
        ];
        for (name, value) in passed_on {
            let value = value.as_deref().filter(|value| !value.is_empty());
            if let Some(Ok(value)) = value.map(HeaderValue::from_str) {
                headers.insert(name, value);
            }
        }
    }
}
