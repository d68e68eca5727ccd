//! Structured logs and CloudWatch metrics, both as JSON lines on standard output: no agent, no request.

mod bounded;
mod logs;
mod metrics;

pub use logs::{LOG_LEVEL, LogLevel, init, read_level};
pub use metrics::{MetricLine, emit_lags, emit_tally};
