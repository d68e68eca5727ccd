//! Lambda: runs the storefront's sagas, one commit per transition.

mod config;

use std::process::ExitCode;
use std::sync::Arc;

use onecommit_aws_dynamodb::DynamoDb;
use onecommit_aws_s3::S3Payloads;
use onecommit_aws_sqs::SqsQueue;
use onecommit_commit::Engine;
use onecommit_commit::PatientReads;
use onecommit_config::Process;
use onecommit_environment::Environment;
use onecommit_saga::Orchestrator;
use onecommit_sagas::order_saga;

use crate::config::Config;

fn main() -> ExitCode {
    onecommit_lambda::start(async {
        let Config {
            session,
            consumer: config,
            events,
            sagas,
            deadlines,
        } = Config::read(&Process)?;
        onecommit_telemetry::init(config.log_level);
        let environment = Environment::system();
        let database = Arc::new(PatientReads::of(DynamoDb::new(&session), environment.clone()));
        let orchestrator = Orchestrator::new([order_saga(&deadlines)?], sagas, database.clone(), environment.clone())?;
        let consumer = orchestrator.consumer(config.name).with(config.settings);
        let mut engine = Engine::new(consumer, database, config.ledger, environment).with_event_log(events);
        let mut queue = SqsQueue::new(session.clone(), config.queue_url, config.dead_letter_queue_url);
        if let Some(bucket) = config.claim_check_bucket {
            let payloads = Arc::new(S3Payloads::new(session, bucket));
            engine = engine.with_claim_checks(payloads.clone());
            queue = queue.keeping_bodies_in(payloads);
        }
        onecommit_lambda::serve_consumer(engine, queue).await
    })
}
