use std::net::SocketAddr;
use std::time::Duration;

use onecommit_aws_session::Session;
use onecommit_commit::Table;
use onecommit_config::{ConfigError, Reader, Setting, Variables};
use onecommit_consumer_config::{ConsumerConfig, VIEWS_TABLE_NAME};
use onecommit_worker::Settings;

const RECEIVE_LOOPS: Setting = Setting::optional("RECEIVE_LOOPS", "4", "Receive requests that are open at once");
const IN_FLIGHT_MAX: Setting = Setting::optional(
    "IN_FLIGHT_MAX",
    "200",
    "Most messages in flight (received, not yet settled)",
);
const VISIBILITY_TIMEOUT_S: Setting = Setting::optional(
    "VISIBILITY_TIMEOUT_S",
    "60",
    "Seconds until the messages of a crashed worker are delivered again; a running worker extends them",
);
const DRAIN_TIMEOUT_MS: Setting = Setting::optional(
    "DRAIN_TIMEOUT_MS",
    "20000",
    "Milliseconds to finish messages in flight after SIGTERM; keep it below the time after which the platform kills",
);
const HEALTH_ADDRESS: Setting = Setting::optional(
    "HEALTH_ADDRESS",
    "0.0.0.0:8080",
    "Where `/live`, `/ready` and `/metrics` are served, or `off`",
);

/// What this process needs to know.
pub(crate) struct Config {
    /// Without credentials: a container finds them elsewhere.
    pub(crate) session: Session,
    pub(crate) consumer: ConsumerConfig,
    pub(crate) views: Table,
    pub(crate) settings: Settings,
    pub(crate) health_address: Option<SocketAddr>,
}

impl Config {
    pub(crate) fn read(variables: &dyn Variables) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(variables);
        let config = Self {
            session: Session::read_all_but_credentials(&mut reader),
            consumer: ConsumerConfig::read(&mut reader),
            views: Table::new(reader.text(&VIEWS_TABLE_NAME)),
            settings: settings(&mut reader),
            health_address: reader.parsed(&HEALTH_ADDRESS, address).flatten(),
        };
        reader.finish().map(|()| config)
    }
}

fn settings(reader: &mut Reader<'_>) -> Settings {
    let count = |number| usize::try_from(number).unwrap_or(1);
    Settings {
        receive_loops: count(reader.whole_number(&RECEIVE_LOOPS, 1..=100)),
        in_flight_max: count(reader.whole_number(&IN_FLIGHT_MAX, 1..=100_000)),
        visibility: Duration::from_secs(reader.whole_number(&VISIBILITY_TIMEOUT_S, 2..=43_200)),
        drain_timeout: Duration::from_millis(reader.whole_number(&DRAIN_TIMEOUT_MS, 0..=3_600_000)),
        ..Settings::default()
    }
}

fn address(text: &str) -> Result<Option<SocketAddr>, &'static str> {
    if text == "off" {
        return Ok(None);
    }
    text.parse()
        .map(Some)
        .map_err(|_| "an address with a port, like 0.0.0.0:8080, or `off`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_error_names_everything_that_is_missing_or_wrong() {
        let variables = [
            ("HEALTH_ADDRESS", "here"),
            ("VISIBILITY_TIMEOUT_S", "1"),
            ("UNKNOWN_EVENT_TYPES", "explode"),
        ];
        let error = Config::read(&variables).err().unwrap().to_string();
        for name in [
            "CONSUMER_NAME",
            "LEDGER_TABLE_NAME",
            "CONSUMER_QUEUE_URL",
            "AWS_REGION",
            "HEALTH_ADDRESS",
            "VISIBILITY_TIMEOUT_S",
            "UNKNOWN_EVENT_TYPES",
        ] {
            assert!(error.contains(name), "{name} is not in: {error}");
        }
        assert!(!error.contains("AWS_ACCESS_KEY_ID"), "{error}");
    }

    #[test]
    fn health_can_be_switched_off() {
        assert_eq!(address("off"), Ok(None));
        assert_eq!(address("127.0.0.1:0"), Ok(Some(([127, 0, 0, 1], 0).into())));
    }

    #[test]
    fn the_documentation_lists_every_setting() {
        let documentation = include_str!("../../../docs/configuration.md");
        let read = Config::read(&[]).err().unwrap();
        let differences = onecommit_config::documentation::differences(documentation, "Worker", read.settings());
        assert!(differences.is_empty(), "{differences:#?}");
    }
}
