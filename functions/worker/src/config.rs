use std::net::SocketAddr;
use std::time::Duration;

use onecommit_aws::{ConsumerConfig, VIEWS_TABLE_NAME};
use onecommit_config::{Reader, Setting};
use onecommit_engine::Table;

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
    "Where `/health`, `/live`, `/ready` and `/metrics` are served, or `off`",
);

/// What this process needs to know.
pub(crate) struct Settings {
    pub(crate) consumer: ConsumerConfig,
    pub(crate) views: Table,
    pub(crate) worker: onecommit_worker::Settings,
    pub(crate) health_address: Option<SocketAddr>,
}

pub(crate) fn settings(reader: &mut Reader<'_>) -> Settings {
    Settings {
        consumer: ConsumerConfig::read(reader),
        views: Table::new(reader.text(&VIEWS_TABLE_NAME)),
        worker: worker(reader),
        health_address: reader.parsed(&HEALTH_ADDRESS, address).flatten(),
    }
}

fn worker(reader: &mut Reader<'_>) -> onecommit_worker::Settings {
    let count = |number| usize::try_from(number).unwrap_or(1);
    onecommit_worker::Settings::default()
        .receive_loops(count(reader.whole_number(&RECEIVE_LOOPS, 1..=100)))
        .in_flight_max(count(reader.whole_number(&IN_FLIGHT_MAX, 1..=100_000)))
        .visibility(Duration::from_secs(
            reader.whole_number(&VISIBILITY_TIMEOUT_S, 2..=43_200),
        ))
        .drain_timeout(Duration::from_millis(
            reader.whole_number(&DRAIN_TIMEOUT_MS, 0..=3_600_000),
        ))
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
    use onecommit_aws::Session;

    use super::*;

    #[test]
    fn health_can_be_switched_off() {
        assert_eq!(address("off"), Ok(None));
        assert_eq!(address("127.0.0.1:0"), Ok(Some(([127, 0, 0, 1], 0).into())));
    }

    #[test]
    fn every_setting_is_documented() {
        let page = include_str!("../../../docs/configuration.md");
        let mut reader = Reader::new(&[]);
        Session::read_all_but_credentials(&mut reader);
        onecommit_telemetry::Telemetry::read(&mut reader);
        settings(&mut reader);
        let wrong = onecommit_config::documentation::differences(page, "Worker", reader.settings());
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
