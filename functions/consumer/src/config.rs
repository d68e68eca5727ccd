use onecommit_aws_session::Session;
use onecommit_commit::Table;
use onecommit_config::{ConfigError, Reader, Variables};
use onecommit_consumer_config::{ConsumerConfig, VIEWS_TABLE_NAME};

/// What this function needs to know.
pub(crate) struct Config {
    pub(crate) session: Session,
    pub(crate) consumer: ConsumerConfig,
    pub(crate) views: Table,
}

impl Config {
    pub(crate) fn read(variables: &dyn Variables) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(variables);
        let config = Self {
            session: Session::read(&mut reader),
            consumer: ConsumerConfig::read(&mut reader),
            views: Table::new(reader.text(&VIEWS_TABLE_NAME)),
        };
        reader.finish().map(|()| config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_error_names_everything_that_is_missing() {
        let error = Config::read(&[("UNKNOWN_EVENT_TYPES", "explode")])
            .err()
            .unwrap()
            .to_string();
        for name in [
            "CONSUMER_NAME",
            "LEDGER_TABLE_NAME",
            "VIEWS_TABLE_NAME",
            "CONSUMER_QUEUE_URL",
            "CONSUMER_DLQ_URL",
            "AWS_REGION",
            "AWS_ACCESS_KEY_ID",
            "UNKNOWN_EVENT_TYPES",
        ] {
            assert!(error.contains(name), "{name} is not in: {error}");
        }
    }

    #[test]
    fn the_documentation_lists_every_setting() {
        let documentation = include_str!("../../../docs/configuration.md");
        let read = Config::read(&[]).err().unwrap();
        let differences = onecommit_config::documentation::differences(documentation, "Consumer", read.settings());
        assert!(differences.is_empty(), "{differences:#?}");
    }
}
