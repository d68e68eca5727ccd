use std::time::Duration;

use onecommit_aws_session::Session;
use onecommit_commit::{EventLog, Table};
use onecommit_config::{ConfigError, Reader, Setting, Variables};
use onecommit_consumer_config::ConsumerConfig;
use onecommit_sagas::Deadlines;

const SAGAS_TABLE_NAME: Setting = Setting::required("SAGAS_TABLE_NAME", "Table of sagas");
const ANSWER_DEADLINE_S: Setting = Setting::optional(
    "ANSWER_DEADLINE_S",
    "30",
    "Seconds a saga waits for the answer to a command before it sends it again",
);
const PAYMENT_DEADLINE_S: Setting = Setting::optional(
    "PAYMENT_DEADLINE_S",
    "60",
    "Seconds a saga waits for the answer to a payment",
);

/// What this function needs to know.
pub(crate) struct Config {
    pub(crate) session: Session,
    pub(crate) consumer: ConsumerConfig,
    pub(crate) events: EventLog,
    pub(crate) sagas: Table,
    pub(crate) deadlines: Deadlines,
}

impl Config {
    pub(crate) fn read(variables: &dyn Variables) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(variables);
        let config = Self {
            session: Session::read(&mut reader),
            consumer: ConsumerConfig::read(&mut reader),
            events: onecommit_consumer_config::read_event_log(&mut reader),
            sagas: Table::new(reader.text(&SAGAS_TABLE_NAME)),
            deadlines: Deadlines {
                answer: Duration::from_secs(reader.whole_number(&ANSWER_DEADLINE_S, 1..=86_400)),
                payment: Duration::from_secs(reader.whole_number(&PAYMENT_DEADLINE_S, 1..=86_400)),
                ..Deadlines::default()
            },
        };
        reader.finish().map(|()| config)
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn one_error_names_everything_that_is_missing() {
        let error = Config::read(&[("ANSWER_DEADLINE_S", "soon")])
            .err()
            .unwrap()
            .to_string();
        for name in [
            "SAGAS_TABLE_NAME",
            "EVENTS_TABLE_NAME",
            "CONSUMER_QUEUE_URL",
            "ANSWER_DEADLINE_S",
        ] {
            assert!(error.contains(name), "{name} is not in: {error}");
        }
    }

    #[test]
    fn the_documentation_lists_every_setting() {
        let documentation = include_str!("../../../docs/configuration.md");
        let read = Config::read(&[]).err().unwrap();
        let differences = onecommit_config::documentation::differences(documentation, "Orchestrator", read.settings());
        assert!(differences.is_empty(), "{differences:#?}");
    }

    /// What the subscription leaves out never reaches a saga, which then waits in vain.
    #[test]
    fn the_subscription_lets_through_what_the_sagas_wait_for() {
        let template = include_str!("../../../infra/template.yaml");
        let subscription = template.split("\n  OrchestratorSubscription:\n").nth(1).unwrap();
        let policy = subscription.split("RedrivePolicy").next().unwrap();
        let saga = onecommit_sagas::order_saga(&Deadlines::default()).unwrap();
        for event_type in saga.event_types() {
            assert!(policy.contains(event_type), "{event_type} is not in the filter policy");
        }
    }
}
