//! The text format of Prometheus (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::fmt::{Display, Write};

use onecommit_engine::Tally;

use crate::numbers::Numbers;

/// Everything about one worker.
pub(crate) fn text(consumer: &str, in_flight: usize, is_ready: bool, numbers: &Numbers, tally: &Tally) -> String {
    let mut page = Page {
        consumer: escaped(consumer),
        text: String::new(),
    };
    page.gauge(
        "in_flight_messages",
        "Messages in flight: received, not yet settled",
        in_flight,
    );
    page.gauge(
        "ready",
        "1 while the queue answers and the worker is not shutting down",
        u8::from(is_ready),
    );
    page.counter("received_messages", "Messages received", numbers.received);
    page.counter(
        "receive_failures",
        "Receive requests that failed",
        numbers.receive_failures,
    );
    page.counter("deleted_messages", "Messages deleted", numbers.deleted);
    page.counter(
        "delete_failures",
        "Messages that could not be deleted",
        numbers.delete_failures,
    );
    page.counter(
        "visibility_extensions",
        "Times the visibility of a message was extended",
        numbers.extended,
    );
    page.counter("handled_messages", "Messages whose commit succeeded", tally.handled);
    page.counter(
        "duplicate_messages",
        "Messages that had been handled before",
        tally.duplicates,
    );
    page.counter("ignored_messages", "Messages of types without a handler", tally.ignored);
    let parked = tally.parked.iter().map(|(reason, count)| (reason.as_str(), *count));
    page.by_reason("parked_messages", "Messages parked", parked);
    let retries = tally.retries.iter().map(|(reason, count)| (reason.as_str(), *count));
    page.by_reason("retried_messages", "Messages to be redelivered", retries);
    page.counter(
        "not_parked_messages",
        "Messages that could not be parked; they are redelivered",
        tally.not_parked,
    );
    page.counter(
        "handler_reruns",
        "Times a handler ran again on fresh reads",
        tally.reruns,
    );
    page.counter("database_requests", "Requests to the database", tally.requests);
    page.text
}

struct Page {
    consumer: String,
    text: String,
}

impl Page {
    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.head(name, help, "gauge");
        self.sample(name, "", value);
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        let name = format!("{name}_total");
        self.head(&name, help, "counter");
        self.sample(&name, "", value);
    }

    fn by_reason<'a>(&mut self, name: &str, help: &str, values: impl Iterator<Item = (&'a str, u64)>) {
        let name = format!("{name}_total");
        self.head(&name, help, "counter");
        for (reason, value) in values {
            self.sample(&name, &format!(",reason=\"{reason}\""), value);
        }
    }

    fn head(&mut self, name: &str, help: &str, kind: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(
            self.text,
            "# HELP onecommit_{name} {help}\n# TYPE onecommit_{name} {kind}"
        );
    }

    fn sample(&mut self, name: &str, more_labels: &str, value: impl Display) {
        let _ = writeln!(
            self.text,
            "onecommit_{name}{{consumer=\"{}\"{more_labels}}} {value}",
            self.consumer
        );
    }
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use onecommit_engine::ParkReason;

    use super::*;

    #[test]
    fn every_number_is_a_sample_and_every_reason_its_own() {
        let tally = Tally::default()
            .handled(7)
            .parked([(ParkReason::MalformedBody, 2)].into());
        let text = text(
            "a \"view\"",
            3,
            true,
            &Numbers {
                received: 9,
                ..Numbers::default()
            },
            &tally,
        );
        for line in [
            "# TYPE onecommit_in_flight_messages gauge",
            r#"onecommit_in_flight_messages{consumer="a \"view\""} 3"#,
            "# TYPE onecommit_handled_messages_total counter",
            r#"onecommit_handled_messages_total{consumer="a \"view\""} 7"#,
            r#"onecommit_received_messages_total{consumer="a \"view\""} 9"#,
            r#"onecommit_parked_messages_total{consumer="a \"view\"",reason="MalformedBody"} 2"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in:\n{text}");
        }
    }
}
