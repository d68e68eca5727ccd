use onecommit_aws_session::Session;
use onecommit_config::{ConfigError, Reader, Variables};
use onecommit_publisher_config::PublisherConfig;
use onecommit_telemetry::LogLevel;

/// What this function needs to know.
pub(crate) struct Config {
    pub(crate) session: Session,
    pub(crate) publisher: PublisherConfig,
    pub(crate) log_level: LogLevel,
}

impl Config {
    pub(crate) fn read(variables: &dyn Variables) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(variables);
        let config = Self {
            session: Session::read(&mut reader),
            publisher: PublisherConfig::read(&mut reader),
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
        let error = Config::read(&[("EVENT_SOURCE", "")]).err().unwrap().to_string();
        for name in [
            "EVENTS_TOPIC_ARN",
            "EVENT_BUS_NAME",
            "EVENT_SOURCE",
            "AWS_REGION",
            "AWS_SECRET_ACCESS_KEY",
        ] {
            assert!(error.contains(name), "{name} is not in: {error}");
        }
    }

    #[test]
    fn the_documentation_lists_every_setting() {
        let documentation = include_str!("../../../docs/configuration.md");
        for setting in PublisherConfig::SETTINGS
            .into_iter()
            .chain([onecommit_telemetry::LOG_LEVEL])
        {
            assert!(
                documentation.contains(&setting.as_table_row()),
                "missing: {}",
                setting.as_table_row()
            );
        }
    }
}
