use onecommit_aws_session::Session;
use onecommit_config::{ConfigError, Reader, Setting, Variables};
use onecommit_consumer_config::{ContextConfig, SealingConfig};

const EMAIL_SENDER: Setting = Setting::required("EMAIL_SENDER", "Address that e-mails are sent from, verified in SES");

/// What this function needs to know.
pub(crate) struct Config {
    pub(crate) session: Session,
    pub(crate) context: ContextConfig,
    pub(crate) sealing: SealingConfig,
    pub(crate) sender: String,
}

impl Config {
    pub(crate) fn read(variables: &dyn Variables) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(variables);
        let config = Self {
            session: Session::read(&mut reader),
            context: ContextConfig::read(&mut reader),
            sealing: SealingConfig::read(&mut reader),
            sender: reader.text(&EMAIL_SENDER),
        };
        reader.finish().map(|()| config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_error_names_everything_that_is_missing() {
        let error = Config::read(&[("EMAIL_SENDER", "")]).err().unwrap().to_string();
        for name in ["CONTEXT_TABLE_NAME", "EMAIL_SENDER", "AWS_REGION"] {
            assert!(error.contains(name), "{name} is not in: {error}");
        }
    }

    #[test]
    fn the_documentation_lists_every_setting() {
        let documentation = include_str!("../../../docs/configuration.md");
        let read = Config::read(&[]).err().unwrap();
        let differences = onecommit_config::documentation::differences(documentation, "Notifications", read.settings());
        assert!(differences.is_empty(), "{differences:#?}");
    }
}
