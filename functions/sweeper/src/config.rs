use onecommit_aws_session::Session;
use onecommit_commit::Table;
use onecommit_config::{ConfigError, Reader, Setting, Variables};
use onecommit_telemetry::LogLevel;

const SAGAS_TABLE_NAME: Setting = Setting::required("SAGAS_TABLE_NAME", "Table of sagas");
const ORCHESTRATOR_QUEUE_URL: Setting = Setting::required("ORCHESTRATOR_QUEUE_URL", "URL of the orchestrator's queue");

/// What this function needs to know.
pub(crate) struct Config {
    pub(crate) session: Session,
    pub(crate) sagas: Table,
    pub(crate) orchestrator_queue_url: String,
    pub(crate) log_level: LogLevel,
}

impl Config {
    pub(crate) fn read(variables: &dyn Variables) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(variables);
        let config = Self {
            session: Session::read(&mut reader),
            sagas: Table::new(reader.text(&SAGAS_TABLE_NAME)),
            orchestrator_queue_url: reader.text(&ORCHESTRATOR_QUEUE_URL),
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
        let error = Config::read(&[("LOG_LEVEL", "loud")]).err().unwrap().to_string();
        for name in ["SAGAS_TABLE_NAME", "ORCHESTRATOR_QUEUE_URL", "LOG_LEVEL", "AWS_REGION"] {
            assert!(error.contains(name), "{name} is not in: {error}");
        }
    }

    #[test]
    fn the_documentation_lists_every_setting() {
        let documentation = include_str!("../../../docs/configuration.md");
        let read = Config::read(&[]).err().unwrap();
        let differences = onecommit_config::documentation::differences(documentation, "Sweeper", read.settings());
        assert!(differences.is_empty(), "{differences:#?}");
    }
}
