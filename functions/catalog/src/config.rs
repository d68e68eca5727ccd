use std::time::Duration;

use onecommit_aws_session::Session;
use onecommit_config::{ConfigError, Reader, Setting, Variables};
use onecommit_consumer_config::ContextConfig;

const RESERVATION_TTL_S: Setting = Setting::optional(
    "RESERVATION_TTL_S",
    "172800",
    "Seconds a reservation holds stock without a confirmed order; longer than any order takes, an outage included",
);

/// What this function needs to know.
pub(crate) struct Config {
    pub(crate) session: Session,
    pub(crate) context: ContextConfig,
    pub(crate) hold_for: Duration,
}

impl Config {
    pub(crate) fn read(variables: &dyn Variables) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(variables);
        let config = Self {
            session: Session::read(&mut reader),
            context: ContextConfig::read(&mut reader),
            hold_for: Duration::from_secs(reader.whole_number(&RESERVATION_TTL_S, 1..=30 * 86_400)),
        };
        reader.finish().map(|()| config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_error_names_everything_that_is_missing() {
        let error = Config::read(&[("RESERVATION_TTL_S", "an hour")])
            .err()
            .unwrap()
            .to_string();
        for name in [
            "CONTEXT_TABLE_NAME",
            "EVENTS_TABLE_NAME",
            "LEDGER_TABLE_NAME",
            "CONSUMER_QUEUE_URL",
            "CONSUMER_DLQ_URL",
            "RESERVATION_TTL_S",
            "AWS_REGION",
        ] {
            assert!(error.contains(name), "{name} is not in: {error}");
        }
    }

    #[test]
    fn the_documentation_lists_every_setting() {
        let documentation = include_str!("../../../docs/configuration.md");
        let read = Config::read(&[]).err().unwrap();
        let differences = onecommit_config::documentation::differences(documentation, "Catalog", read.settings());
        assert!(differences.is_empty(), "{differences:#?}");
    }
}
