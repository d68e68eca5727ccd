//! Lambda: finds sagas past their deadline and puts them back to work; reports those that need a person.

mod config;

use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use onecommit_aws_dynamodb::DynamoDb;
use onecommit_aws_sqs::SqsQueue;
use onecommit_commit::PatientReads;
use onecommit_config::Process;
use onecommit_environment::Environment;
use onecommit_event::Event;
use onecommit_saga::{SagaDeadlineReached, Sweeper, Wake, WakeError};

use crate::config::Config;

/// The index of the sagas table on `due` and `deadline`.
const INDEX: &str = "deadlines";

fn main() -> ExitCode {
    onecommit_lambda::start(async {
        let config = Config::read(&Process)?;
        onecommit_telemetry::init(config.log_level);
        let environment = Environment::system();
        let rows = Arc::new(PatientReads::of(DynamoDb::new(&config.session), environment.clone()));
        let sweeper = Sweeper::new(config.sagas, INDEX, rows, environment.clone());
        let queue = SqsQueue::new(config.session, config.orchestrator_queue_url, String::new());
        onecommit_lambda::serve_sweeper(sweeper, OrchestratorQueue(queue), environment).await
    })
}

struct OrchestratorQueue(SqsQueue);

#[async_trait]
impl Wake for OrchestratorQueue {
    async fn wake(&self, due: &[Event<SagaDeadlineReached>]) -> Vec<Result<(), WakeError>> {
        let bodies: Result<Vec<String>, _> = due
            .iter()
            .map(|event| event.clone().into_raw().map(|event| event.to_json()))
            .collect();
        match bodies {
            Ok(bodies) => {
                let sent = self.0.send(&bodies).await;
                sent.into_iter().map(|result| result.map_err(WakeError::from)).collect()
            }
            Err(error) => due.iter().map(|_| Err(error.to_string().into())).collect(),
        }
    }
}
