use onecommit_aws_session::Session;
use onecommit_commit::Table;
use onecommit_config::{ConfigError, Reader, Setting, Variables};
use onecommit_consumer_config::ContextConfig;

const PROVIDER_TABLE_NAME: Setting = Setting::required("PROVIDER_TABLE_NAME", "Table of the local payment provider");
const PROVIDER_BEHAVIOUR_API: Setting = Setting::optional(
    "PROVIDER_BEHAVIOUR_API",
    "off",
    "Whether the API lets callers set the behaviour of the local payment provider: `on` or `off`",
);

/// What this function needs to know.
pub(crate) struct Config {
    pub(crate) session: Session,
    pub(crate) context: ContextConfig,
    pub(crate) provider_table: Table,
    pub(crate) provider_may_be_told: bool,
}

impl Config {
    pub(crate) fn read(variables: &dyn Variables) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(variables);
        let config = Self {
            session: Session::read(&mut reader),
            context: ContextConfig::read(&mut reader),
            provider_table: Table::new(reader.text(&PROVIDER_TABLE_NAME)),
            provider_may_be_told: reader.choice(&PROVIDER_BEHAVIOUR_API, &[("on", true), ("off", false)]),
        };
        reader.finish().map(|()| config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_error_names_everything_that_is_missing() {
        let error = Config::read(&[("PROVIDER_BEHAVIOUR_API", "maybe")])
            .err()
            .unwrap()
            .to_string();
        for name in [
            "CONTEXT_TABLE_NAME",
            "PROVIDER_TABLE_NAME",
            "PROVIDER_BEHAVIOUR_API",
            "AWS_REGION",
        ] {
            assert!(error.contains(name), "{name} is not in: {error}");
        }
    }

    #[test]
    fn the_documentation_lists_every_setting() {
        let documentation = include_str!("../../../docs/configuration.md");
        let read = Config::read(&[]).err().unwrap();
        let differences = onecommit_config::documentation::differences(documentation, "Payments", read.settings());
        assert!(differences.is_empty(), "{differences:#?}");
    }
}
