use std::time::Duration;

use onecommit_aws_session::Session;
use onecommit_commit::{EventLog, Table};
use onecommit_config::{ConfigError, Reader, Setting, Variables};
use onecommit_consumer_config::{ConsumerConfig, EVENTS_TABLE_NAME, VIEWS_TABLE_NAME};
use onecommit_projection::REFRESH_MAX;

const VIEWS_REFRESH_S: Setting = Setting::optional(
    "VIEWS_REFRESH_S",
    "15",
    "Seconds until the projector reads again which generations of its views to keep; at most 60",
);

/// What this function needs to know.
pub(crate) struct Config {
    pub(crate) session: Session,
    pub(crate) consumer: ConsumerConfig,
    pub(crate) views: Table,
    pub(crate) events: EventLog,
    pub(crate) refresh: Duration,
}

impl Config {
    pub(crate) fn read(variables: &dyn Variables) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(variables);
        let config = Self {
            session: Session::read(&mut reader),
            consumer: ConsumerConfig::read(&mut reader),
            views: Table::new(reader.text(&VIEWS_TABLE_NAME)),
            events: EventLog::new(Table::new(reader.text(&EVENTS_TABLE_NAME))),
            refresh: Duration::from_secs(reader.whole_number(&VIEWS_REFRESH_S, 1..=REFRESH_MAX.as_secs())),
        };
        reader.finish().map(|()| config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_error_names_everything_that_is_missing_or_wrong() {
        let error = Config::read(&[("VIEWS_REFRESH_S", "61")]).err().unwrap().to_string();
        for name in [
            "CONSUMER_NAME",
            "LEDGER_TABLE_NAME",
            "VIEWS_TABLE_NAME",
            "EVENTS_TABLE_NAME",
            "CONSUMER_QUEUE_URL",
            "VIEWS_REFRESH_S",
        ] {
            assert!(error.contains(name), "{name} is not in: {error}");
        }
    }

    #[test]
    fn the_documentation_lists_every_setting() {
        let documentation = include_str!("../../../docs/configuration.md");
        let read = Config::read(&[]).err().unwrap();
        let differences = onecommit_config::documentation::differences(documentation, "Projector", read.settings());
        assert!(differences.is_empty(), "{differences:#?}");
    }
}
