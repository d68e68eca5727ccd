use onecommit_aws_session::Session;
use onecommit_config::{ConfigError, Reader, Setting, Variables};
use onecommit_telemetry::LogLevel;

const EVENTS_TOPIC_ARN: Setting = Setting::required("EVENTS_TOPIC_ARN", "ARN of the SNS topic events go to");
const FIFO_TOPIC_ARN: Setting = Setting::optional(
    "FIFO_TOPIC_ARN",
    "",
    "ARN of an SNS FIFO topic events go to as well, in order per aggregate",
);
const EVENT_BUS_NAME: Setting = Setting::required("EVENT_BUS_NAME", "Name of the EventBridge bus events go to");
const EVENT_SOURCE: Setting = Setting::required(
    "EVENT_SOURCE",
    "The emitting service, EventBridge's `source`, for example `shop.orders`",
);
const CLAIM_CHECK_BUCKET: Setting = Setting::optional(
    "CLAIM_CHECK_BUCKET",
    "",
    "S3 bucket for payloads too large for a destination; without it, such events are refused",
);
const TOPIC_MESSAGE_BYTES_MAX: Setting = Setting::optional(
    "TOPIC_MESSAGE_BYTES_MAX",
    "262144",
    "Bytes the topic takes per message, its `MaximumMessageSize`; up to 1048576",
);

/// What this function needs to know.
pub(crate) struct Config {
    pub(crate) session: Session,
    pub(crate) topic_arn: String,
    pub(crate) fifo_topic_arn: Option<String>,
    pub(crate) bus_name: String,
    pub(crate) source: String,
    pub(crate) claim_check_bucket: Option<String>,
    pub(crate) topic_message_bytes_max: usize,
    pub(crate) log_level: LogLevel,
}

impl Config {
    #[cfg(test)]
    const SETTINGS: [Setting; 7] = [
        EVENTS_TOPIC_ARN,
        FIFO_TOPIC_ARN,
        EVENT_BUS_NAME,
        EVENT_SOURCE,
        CLAIM_CHECK_BUCKET,
        TOPIC_MESSAGE_BYTES_MAX,
        onecommit_telemetry::LOG_LEVEL,
    ];

    pub(crate) fn read(variables: &dyn Variables) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(variables);
        let config = Self {
            session: Session::read(&mut reader),
            topic_arn: reader.text(&EVENTS_TOPIC_ARN),
            fifo_topic_arn: reader.text_if_set(&FIFO_TOPIC_ARN),
            bus_name: reader.text(&EVENT_BUS_NAME),
            source: reader.text(&EVENT_SOURCE),
            claim_check_bucket: reader.text_if_set(&CLAIM_CHECK_BUCKET),
            topic_message_bytes_max: usize::try_from(reader.whole_number(&TOPIC_MESSAGE_BYTES_MAX, 1..=1_048_576))
                .unwrap_or(262_144),
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
        for setting in Config::SETTINGS {
            assert!(
                documentation.contains(&setting.as_table_row()),
                "missing: {}",
                setting.as_table_row()
            );
        }
    }
}
