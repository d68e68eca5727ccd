use std::time::Duration;

use onecommit_aws_session::Session;
use onecommit_commit::EventLog;
use onecommit_config::{ConfigError, Reader, Setting, Variables};
use onecommit_lambda::Failures;
use onecommit_publisher_config::PublisherConfig;
use onecommit_relay::RelaySettings;
use onecommit_telemetry::LogLevel;

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

/// What this function needs to know.
pub(crate) struct Config {
    pub(crate) session: Session,
    pub(crate) log: EventLog,
    pub(crate) publisher: PublisherConfig,
    pub(crate) dead_letter_queue_url: String,
    pub(crate) settings: RelaySettings,
    pub(crate) failures: Failures,
    pub(crate) recover_after: Duration,
    pub(crate) log_level: LogLevel,
}

impl Config {
    pub(crate) fn read(variables: &dyn Variables) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(variables);
        let failures = [("report", Failures::Reported), ("fail", Failures::FailInvocation)];
        let config = Self {
            session: Session::read(&mut reader),
            log: onecommit_consumer_config::read_event_log(&mut reader),
            publisher: PublisherConfig::read(&mut reader),
            dead_letter_queue_url: reader.text(&RELAY_DLQ_URL),
            settings: RelaySettings {
                gap_patience: Duration::from_secs(reader.whole_number(&GAP_PATIENCE_S, 0..=86_400)),
                ..RelaySettings::default()
            },
            failures: reader.choice(&PARTIAL_FAILURES, &failures),
            recover_after: Duration::from_secs(reader.whole_number(&RECOVER_AFTER_S, 0..=86_400)),
            log_level: onecommit_telemetry::read_level(&mut reader),
        };
        reader.finish().map(|()| config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_error_names_everything_that_is_missing() {
        let error = Config::read(&[("PENDING_MARKS", "maybe")]).err().unwrap().to_string();
        for name in [
            "EVENTS_TABLE_NAME",
            "RELAY_DLQ_URL",
            "EVENTS_TOPIC_ARN",
            "PENDING_MARKS",
            "AWS_REGION",
        ] {
            assert!(error.contains(name), "{name} is not in: {error}");
        }
    }

    #[test]
    fn the_documentation_lists_every_setting() {
        let documentation = include_str!("../../../docs/configuration.md");
        let read = Config::read(&[]).err().unwrap();
        let differences = onecommit_config::documentation::differences(documentation, "Relay", read.settings());
        assert!(differences.is_empty(), "{differences:#?}");
    }
}
