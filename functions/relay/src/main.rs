//! Lambda: publishes what commits appended to the events table, in order per aggregate.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use onecommit_aws::SqsQueue;
use onecommit_aws::{PublisherConfig, Wiring, read_event_log};
use onecommit_config::{Reader, Setting};
use onecommit_engine::EventLog;
use onecommit_lambda::Failures;
use onecommit_publish::PublishSettings;
use onecommit_relay::{Relay, RelaySettings};

const RELAY_DLQ_URL: Setting = Setting::required("RELAY_DLQ_URL", "URL of the relay's dead-letter queue");
const RECOVER_AFTER_S: Setting = Setting::optional(
    "RECOVER_AFTER_S",
    "900",
    "Seconds after which the recovery publishes an event that is still pending",
);
const GAP_PATIENCE_S: Setting = Setting::optional(
    "GAP_PATIENCE_S",
    "60",
    "Seconds to wait for a missing version before later events are published without it",
);
const PARTIAL_FAILURES: Setting = Setting::optional(
    "PARTIAL_FAILURES",
    "report",
    "How records to be retried are reported: `report` each, or `fail` the invocation",
);

/// Requests to one destination side by side: a whole batch of the stream at once.
const CONCURRENCY: usize = 10;

struct Settings {
    log: EventLog,
    publisher: PublisherConfig,
    dead_letter_queue_url: String,
    relay: RelaySettings,
    failures: Failures,
    recover_after: Duration,
}

fn settings(reader: &mut Reader<'_>) -> Settings {
    let failures = [("report", Failures::Reported), ("fail", Failures::FailInvocation)];
    Settings {
        log: read_event_log(reader),
        publisher: PublisherConfig::read(reader),
        dead_letter_queue_url: reader.text(&RELAY_DLQ_URL),
        relay: RelaySettings::default()
            .gap_patience(Duration::from_secs(reader.whole_number(&GAP_PATIENCE_S, 0..=86_400))),
        failures: reader.choice(&PARTIAL_FAILURES, &failures),
        recover_after: Duration::from_secs(reader.whole_number(&RECOVER_AFTER_S, 0..=86_400)),
    }
}

fn main() -> ExitCode {
    onecommit_lambda::start(async {
        let (wiring, settings) = Wiring::of_function(settings)?;
        let (tables, session, environment) = (wiring.tables(), wiring.session, wiring.environment);
        let publishing = PublishSettings::default().concurrency(CONCURRENCY);
        let publisher = settings
            .publisher
            .publisher(&session, environment.clone())
            .with(publishing);
        // It only parks; there is no queue to take from. What it parks stays in the events table, so a body may be cut.
        let dead_letters = Arc::new(SqsQueue::new(session, String::new(), settings.dead_letter_queue_url));
        let relay = Relay::new(tables, settings.log, publisher, dead_letters, environment).with(settings.relay);
        onecommit_lambda::serve_relay(relay, settings.failures, settings.recover_after).await
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_setting_is_documented() {
        let page = include_str!("../../../docs/configuration.md");
        let wrong = onecommit_aws::undocumented(page, "Relay", super::settings);
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
