use std::time::Duration;

use onecommit_aws_session::Session;
use onecommit_commit::Table;
use onecommit_config::{ConfigError, Reader, Setting, Variables};
use onecommit_consumer_config::VIEWS_TABLE_NAME;
use onecommit_projection::REFRESH_MAX;
use onecommit_telemetry::LogLevel;

const VIEWS_REFRESH_S: Setting = Setting::optional(
    "VIEWS_REFRESH_S",
    "15",
    "Seconds until the active generation of a view is read again; at most 60",
);

/// What this function needs to know.
pub(crate) struct Config {
    pub(crate) session: Session,
    pub(crate) views: Table,
    pub(crate) refresh: Duration,
    pub(crate) log_level: LogLevel,
}

impl Config {
    pub(crate) fn read(variables: &dyn Variables) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(variables);
        let config = Self {
            session: Session::read(&mut reader),
            views: Table::new(reader.text(&VIEWS_TABLE_NAME)),
            refresh: Duration::from_secs(reader.whole_number(&VIEWS_REFRESH_S, 1..=REFRESH_MAX.as_secs())),
            log_level: onecommit_telemetry::read_level(&mut reader),
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
        for name in ["VIEWS_TABLE_NAME", "VIEWS_REFRESH_S", "AWS_REGION"] {
            assert!(error.contains(name), "{name} is not in: {error}");
        }
    }

    #[test]
    fn the_documentation_lists_every_setting() {
        let documentation = include_str!("../../../docs/configuration.md");
        let read = Config::read(&[]).err().unwrap();
        let differences =
            onecommit_config::documentation::differences(documentation, "Recommendations", read.settings());
        assert!(differences.is_empty(), "{differences:#?}");
    }
}
