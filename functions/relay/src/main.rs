//! Lambda: publishes what commits appended to the events table, in order per aggregate.

mod config;

use std::process::ExitCode;
use std::sync::Arc;

use onecommit_aws_dynamodb::DynamoDb;
use onecommit_aws_sqs::SqsQueue;
use onecommit_commit::PatientReads;
use onecommit_config::Process;
use onecommit_environment::Environment;
use onecommit_publish::PublishSettings;
use onecommit_relay::Relay;

use crate::config::Config;

/// Requests to one destination side by side: a whole batch of the stream at once.
const CONCURRENCY: usize = 10;

fn main() -> ExitCode {
    onecommit_lambda::start(async {
        let config = Config::read(&Process)?;
        onecommit_telemetry::init(config.log_level);
        let environment = Environment::system();
        let settings = PublishSettings {
            concurrency: CONCURRENCY,
            ..PublishSettings::default()
        };
        let publisher = config
            .publisher
            .publisher(&config.session, environment.clone())
            .with(settings);
        let database = Arc::new(PatientReads::of(DynamoDb::new(&config.session), environment.clone()));
        // It only parks; there is no queue to take from. What it parks stays in the events table, so a body may be cut.
        let dead_letters = SqsQueue::new(config.session, String::new(), config.dead_letter_queue_url);
        let relay = Relay::new(config.log, &database, publisher, Arc::new(dead_letters), environment);
        onecommit_lambda::serve_relay(relay.with(config.settings), config.failures, config.recover_after).await
    })
}
