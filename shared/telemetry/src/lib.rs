//! Structured logs and CloudWatch metrics, and traces, all as JSON lines on standard output: no agent, no request.

mod bounded;
mod logs;
mod metrics;
mod settings;
#[cfg(feature = "traces")]
pub mod traces;

pub use logs::{LOG_LEVEL, LogLevel, init, read_level};
pub use metrics::{MetricLine, emit_circuit, emit_lags, emit_tally};
pub use settings::{Telemetry, traced};
