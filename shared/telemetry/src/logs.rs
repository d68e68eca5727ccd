use onecommit_config::{Reader, Setting};
use onecommit_environment::TRACES;
use tracing::Subscriber;
pub use tracing::level_filters::LevelFilter as LogLevel;
use tracing_subscriber::Registry;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::bounded::Bounded;

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
/// causation ids. A text longer than 1 KB is cut.
pub fn init(level: LogLevel) {
    // Fails only when logging has been set up before.
    let _ = lines(std::io::stdout).with(filter(level)).try_init();
    report_panics();
}

/// Logs each panic, without what it quotes.
pub(crate) fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(
            panic.location = location,
            error = panic_text(panic.payload()),
            "code panicked"
        );
    }));
}

/// The message of a panic, if it stands in the code as it is: one that was put together may hold values that the code
/// was given.
fn panic_text(panic: &(dyn std::any::Any + Send)) -> &'static str {
    let text = panic.downcast_ref::<&'static str>();
    text.copied().unwrap_or("(a message with values, not shown)")
}

/// JSON lines of everything, to `writer`.
pub(crate) fn lines<W>(writer: W) -> impl Subscriber + for<'a> LookupSpan<'a> + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    Registry::default().with(layer(writer))
}

/// The layer of a subscriber that writes them.
pub(crate) fn layer<S, W>(writer: W) -> impl Layer<S> + Send + Sync
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_target(true)
        .map_event_format(Bounded)
        .with_writer(writer)
}

/// Crates that write down requests and answers whole, at `debug` or `trace`.
const TALKATIVE: [&str; 5] = ["aws_sdk", "aws_smithy", "hyper", "lambda_runtime", "tower"];

/// At `info`, the credentials chain of AWS would write down the access key that it found. What messages and rows hold is in
/// no log at any level.
pub(crate) fn filter(level: LogLevel) -> Targets {
    let of_credentials = if level == LogLevel::INFO { LogLevel::WARN } else { level };
    let filter = Targets::new()
        .with_default(level)
        .with_target("aws_config", of_credentials)
        .with_target(TRACES, LogLevel::OFF);
    TALKATIVE.iter().fold(filter, |filter, target| {
        filter.with_target(*target, level.min(LogLevel::INFO))
    })
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn the_access_key_is_not_logged_unless_somebody_debugs() {
        assert!(!filter(LogLevel::INFO).would_enable("aws_config::profile::credentials", &Level::INFO));
        assert!(filter(LogLevel::INFO).would_enable("aws_config::meta::credentials", &Level::WARN));
        assert!(filter(LogLevel::INFO).would_enable("onecommit_worker", &Level::INFO));
        assert!(filter(LogLevel::DEBUG).would_enable("aws_config", &Level::DEBUG));
        assert!(!filter(LogLevel::ERROR).would_enable("aws_config", &Level::WARN));
    }

    #[test]
    fn requests_are_in_no_log_at_any_level() {
        for target in [
            "aws_smithy_runtime::client::orchestrator",
            "lambda_runtime::layers::trace",
        ] {
            assert!(!filter(LogLevel::TRACE).would_enable(target, &Level::DEBUG), "{target}");
            assert!(filter(LogLevel::TRACE).would_enable(target, &Level::WARN), "{target}");
        }
        assert!(!filter(LogLevel::ERROR).would_enable("lambda_runtime", &Level::WARN));
    }

    #[test]
    fn what_is_for_traces_is_in_no_log_and_costs_nothing_there() {
        for level in [Level::ERROR, Level::INFO, Level::TRACE] {
            assert!(!filter(LogLevel::TRACE).would_enable(TRACES, &level));
        }
    }

    #[test]
    fn a_panic_whose_message_was_put_together_is_shown_without_it() {
        assert_eq!(panic_text(&"index out of range"), "index out of range");
        assert!(!panic_text(&"no such order: 4111111111111111".to_owned()).contains("4111"));
    }
}
