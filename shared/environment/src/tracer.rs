use tracing::Span;

use crate::trace_context::TraceContext;

/// The target of spans and events that are for traces, and in no log.
pub const TRACES: &str = "onecommit::traces";

/// Where spans go that are part of distributed traces.
///
/// Code makes its spans with `tracing`, under the target [`TRACES`], whether traces are recorded or not: while nobody listens to
/// that target, a span costs a comparison. What `tracing` has no words for is here.
pub trait Tracer: Send + Sync {
    /// The span that the code runs in, as it is passed on to what it causes; nothing outside of all spans.
    fn current(&self) -> Option<TraceContext>;

    /// Makes a span the child of one in another process. A span that has been entered keeps its parent.
    fn set_parent(&self, span: &Span, parent: &TraceContext);

    /// Notes that a span also has to do with another one.
    fn link(&self, span: &Span, to: &TraceContext);

    /// Puts the span of a message, which was caused in one trace and came in a batch of another: below its cause, with a link to
    /// the span that the code runs in, if the tracer is not told otherwise.
    fn place(&self, span: &Span, cause: &TraceContext) {
        let batch = self.current();
        self.set_parent(span, cause);
        if let Some(batch) = batch {
            self.link(span, &batch);
        }
    }

    /// The place in a trace that an `X-Amzn-Trace-Id` header names.
    fn read_xray(&self, header: &str) -> Option<TraceContext>;

    /// A place in a trace as an `X-Amzn-Trace-Id` header names it, for what speaks X-Ray only.
    fn write_xray(&self, place: &TraceContext) -> Option<String>;

    /// Writes out the spans that have ended. A process that may be frozen or killed after it has answered calls it before.
    fn write(&self);
}
