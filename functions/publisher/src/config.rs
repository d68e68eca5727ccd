use onecommit_aws_session::Session;
use onecommit_config::{ConfigError, Reader, Setting, Variables};
use onecommit_lambda::Admission;
use onecommit_publisher_config::PublisherConfig;
use onecommit_telemetry::LogLevel;

const OUTSIDE_EVENT_TYPES: Setting = Setting::optional(
    "OUTSIDE_EVENT_TYPES",
    "",
    "Event types that producers from outside may publish, separated by commas; without it, none",
);
const OUTSIDE_USER_ID: Setting = Setting::optional(
    "OUTSIDE_USER_ID",
    "",
    "The `userId` of events that are published by direct invocation; without it they have none",
);

/// What this function needs to know.
pub(crate) struct Config {
    pub(crate) session: Session,
    pub(crate) publisher: PublisherConfig,
    pub(crate) admission: Admission,
    pub(crate) log_level: LogLevel,
}

impl Config {
    pub(crate) fn read(variables: &dyn Variables) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(variables);
        let config = Self {
            session: Session::read(&mut reader),
            publisher: PublisherConfig::read(&mut reader),
            admission: reader
                .parsed(&OUTSIDE_EVENT_TYPES, Admission::of_types)
                .unwrap_or_default()
                .with_direct_user_id(reader.text_if_set(&OUTSIDE_USER_ID)),
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
        let variables = [("EVENT_SOURCE", ""), ("OUTSIDE_EVENT_TYPES", "SagaResolved")];
        let error = Config::read(&variables).err().unwrap().to_string();
        for name in [
            "EVENTS_TOPIC_ARN",
            "EVENT_BUS_NAME",
            "EVENT_SOURCE",
            "OUTSIDE_EVENT_TYPES",
            "AWS_REGION",
            "AWS_SECRET_ACCESS_KEY",
        ] {
            assert!(error.contains(name), "{name} is not in: {error}");
        }
    }

    #[test]
    fn the_documentation_lists_every_setting() {
        let documentation = include_str!("../../../docs/configuration.md");
        let read = Config::read(&[]).err().unwrap();
        let differences = onecommit_config::documentation::differences(documentation, "Publisher", read.settings());
        assert!(differences.is_empty(), "{differences:#?}");
    }
}
