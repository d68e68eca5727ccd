//! Log lines of bounded length.
//!
//! An error may quote an answer of megabytes, and CloudWatch takes 1 MB for an event and bills by the byte. Every text of a
//! line is cut here, where all lines pass, so that nobody who logs has to think of it.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The longest text of a log line that stays whole, in bytes.
const TEXT_BYTES_MAX: usize = 1024;

/// Formats JSON lines as another formatter does, and cuts the texts in them.
pub(crate) struct Bounded<F>(pub(crate) F);

impl<F, S, N> FormatEvent<S, N> for Bounded<F>
where
    F: FormatEvent<S, N>,
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        writer.write_str(&bounded(&line))
    }
}

/// The line with no text in it longer than [`TEXT_BYTES_MAX`] and a note of what was cut. A shorter line has no longer text.
fn bounded(line: &str) -> Cow<'_, str> {
    if line.len() <= TEXT_BYTES_MAX {
        return line.into();
    }
    match serde_json::from_str::<Value>(line) {
        Ok(mut fields) => {
            cut_texts(&mut fields);
            format!("{fields}\n").into()
        }
        Err(_) => cut(line).into(),
    }
}

fn cut_texts(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > TEXT_BYTES_MAX => *text = cut(text),
        Value::Array(values) => values.iter_mut().for_each(cut_texts),
        Value::Object(fields) => fields.values_mut().for_each(cut_texts),
        _ => {}
    }
}

fn cut(text: &str) -> String {
    let end = text.floor_char_boundary(TEXT_BYTES_MAX);
    format!("{}... (cut, it has {} bytes)", &text[..end], text.len())
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use tracing::subscriber::with_default;
    use tracing::{error, info_span};

    use super::*;
    use crate::logs::lines;

    #[derive(Clone, Default)]
    struct Output(Arc<Mutex<Vec<u8>>>);

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(log: impl FnOnce()) -> Value {
        let output = Output::default();
        let writer = output.clone();
        with_default(lines(move || writer.clone()), log);
        let text = String::from_utf8(output.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 1, "one event, one line");
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn a_long_error_is_cut_between_characters() {
        let line = logged(|| error!(error = "é".repeat(1_000_000), attempts = 3, "not published"));
        let error = line["error"].as_str().unwrap();
        assert!(error.len() < 1_100 && error.starts_with('é'), "{error}");
        assert!(error.ends_with("... (cut, it has 2000000 bytes)"), "{error}");
        assert_eq!(
            (&line["attempts"], &line["message"]),
            (&3.into(), &"not published".into())
        );
    }

    #[test]
    fn messages_and_fields_of_spans_are_cut_too() {
        let long = "x".repeat(5_000);
        let line = logged(|| info_span!("handling", order = long.as_str()).in_scope(|| error!("{long}")));
        assert!(line["message"].as_str().unwrap().len() < 1_100);
        assert!(line["span"]["order"].as_str().unwrap().len() < 1_100);
    }

    #[test]
    fn texts_of_a_kilobyte_stay_whole() {
        let text = "x".repeat(1024);
        let line = logged(|| error!(error = text.as_str(), detail = text.as_str(), "not published"));
        assert_eq!(
            (&line["error"], &line["detail"]),
            (&text.as_str().into(), &text.as_str().into())
        );
    }
}
