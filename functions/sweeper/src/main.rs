//! Lambda: finds sagas past their deadline and puts them back to work; reports those that need a person.

use std::process::ExitCode;

use async_trait::async_trait;
use onecommit_aws::SqsQueue;
use onecommit_aws::Wiring;
use onecommit_config::{Reader, Setting};
use onecommit_engine::Table;
use onecommit_event::Event;
use onecommit_saga::{DeadlineSender, DeadlineSenderError, SagaDeadlineReached, Sweeper};

const SAGAS_TABLE_NAME: Setting = Setting::required("SAGAS_TABLE_NAME", "Table of sagas");
const ORCHESTRATOR_QUEUE_URL: Setting = Setting::required("ORCHESTRATOR_QUEUE_URL", "URL of the orchestrator's queue");

/// The index of the sagas table on `due` and `deadline`.
const INDEX: &str = "deadlines";

fn settings(reader: &mut Reader<'_>) -> (Table, String) {
    (
        Table::new(reader.text(&SAGAS_TABLE_NAME)),
        reader.text(&ORCHESTRATOR_QUEUE_URL),
    )
}

fn main() -> ExitCode {
    onecommit_lambda::start(async {
        let (wiring, (sagas, queue_url)) = Wiring::of_function(settings)?;
        let sweeper = Sweeper::new(sagas, INDEX, wiring.tables(), wiring.environment.clone());
        let queue = OrchestratorQueue(SqsQueue::new(wiring.session, queue_url, String::new()));
        onecommit_lambda::serve_sweeper(sweeper, queue, wiring.environment).await
    })
}

struct OrchestratorQueue(SqsQueue);

#[async_trait]
impl DeadlineSender for OrchestratorQueue {
    async fn wake(&self, due: &[Event<SagaDeadlineReached>]) -> Vec<Result<(), DeadlineSenderError>> {
        let bodies: Result<Vec<String>, _> = due
            .iter()
            .map(|event| event.clone().into_raw().map(|event| event.to_json()))
            .collect();
        match bodies {
            Ok(bodies) => {
                let sent = self.0.send(&bodies).await;
                sent.into_iter()
                    .map(|result| result.map_err(DeadlineSenderError::from))
                    .collect()
            }
            Err(error) => due.iter().map(|_| Err(error.to_string().into())).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_setting_is_documented() {
        let page = include_str!("../../../docs/configuration.md");
        let wrong = onecommit_aws::undocumented(page, "Sweeper", super::settings);
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
