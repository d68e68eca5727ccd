use onecommit_config::{Reader, Setting};
pub use tracing::level_filters::LevelFilter as LogLevel;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// How much is logged.
pub const LOG_LEVEL: Setting = Setting::optional(
    "LOG_LEVEL",
    "info",
    "How much is logged: `off`, `error`, `warn`, `info`, `debug` or `trace`",
);

/// Reads [`LOG_LEVEL`].
pub fn read_level(reader: &mut Reader<'_>) -> LogLevel {
    let levels = [
        ("info", LogLevel::INFO),
        ("off", LogLevel::OFF),
        ("error", LogLevel::ERROR),
        ("warn", LogLevel::WARN),
        ("debug", LogLevel::DEBUG),
        ("trace", LogLevel::TRACE),
    ];
    reader.choice(&LOG_LEVEL, &levels)
}

/// Logs JSON lines from `level` up to standard output. A second call changes nothing.
///
/// Every line carries the fields of the spans it is in: while a message is handled, its event, correlation and
/// causation ids.
pub fn init(level: LogLevel) {
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_target(true);
    // Fails only when logging has been set up before.
    let _ = Registry::default().with(level).with(lines).try_init();
}
