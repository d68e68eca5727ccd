//! Spans of OpenTelemetry, written to standard output as lines of OTLP in JSON
//! (<https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/>).
//!
//! A function is frozen as soon as it has answered, and may never run again, so spans are written before the answer and by
//! nothing that runs in the background: a batch span processor would lose them, and its flush waits for a task that a runtime of
//! one thread never gets to (<https://github.com/open-telemetry/opentelemetry-rust/issues/3176>).

mod buffer;
mod ids;
mod recorder;
mod settings;

pub use recorder::{Recorder, SpanWriter};
pub use settings::{MessageParent, TRACE_PARENT, TRACE_RATIO, TraceSettings};
pub(crate) use start::{start, tracer};

mod start;
