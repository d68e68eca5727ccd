//! Lambda: runs the storefront's sagas, one commit per transition.

use std::process::ExitCode;
use std::time::Duration;

use onecommit_aws::{ConsumerConfig, Wiring, read_event_log};
use onecommit_config::{Reader, Setting};
use onecommit_engine::{EventLog, Table};
use onecommit_saga::Orchestrator;
use storefront_sagas::{Deadlines, order_saga};

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

struct Settings {
    consumer: ConsumerConfig,
    events: EventLog,
    sagas: Table,
    deadlines: Deadlines,
}

fn settings(reader: &mut Reader<'_>) -> Settings {
    let mut seconds = |setting| Duration::from_secs(reader.whole_number(setting, 1..=86_400));
    let deadlines = Deadlines {
        answer: seconds(&ANSWER_DEADLINE_S),
        payment: seconds(&PAYMENT_DEADLINE_S),
        ..Deadlines::default()
    };
    Settings {
        consumer: ConsumerConfig::read(reader),
        events: read_event_log(reader),
        sagas: Table::new(reader.text(&SAGAS_TABLE_NAME)),
        deadlines,
    }
}

fn main() -> ExitCode {
    onecommit_lambda::start(async {
        let (wiring, settings) = Wiring::of_function(settings)?;
        let (tables, environment) = (wiring.tables(), wiring.environment.clone());
        let sagas = [order_saga(&settings.deadlines)?];
        let orchestrator = Orchestrator::new(sagas, settings.sagas, tables.clone(), environment)?;
        let consumer = orchestrator.consumer(settings.consumer.name.as_str());
        let (engine, queue) = wiring.consumer(tables, consumer, settings.consumer);
        onecommit_lambda::serve_consumer(engine.with_event_log(settings.events), queue).await
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_documented() {
        let page = include_str!("../../../docs/configuration.md");
        let wrong = onecommit_aws::undocumented(page, "Orchestrator", settings);
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    /// What the subscription leaves out never reaches a saga, which then waits in vain.
    #[test]
    fn the_subscription_lets_through_what_the_sagas_wait_for() {
        let template = include_str!("../../../infra/template.yaml");
        let subscription = template.split("\n  OrchestratorSubscription:\n").nth(1).unwrap();
        let policy = subscription.split("RedrivePolicy").next().unwrap();
        let saga = order_saga(&Deadlines::default()).unwrap();
        for event_type in saga.event_types() {
            assert!(policy.contains(event_type), "{event_type} is not in the filter policy");
        }
    }
}
