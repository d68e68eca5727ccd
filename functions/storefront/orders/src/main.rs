//! Lambda: the context orders, behind its queue and its API.

mod config;

use std::process::ExitCode;
use std::sync::Arc;

use onecommit_aws_dynamodb::DynamoDb;
use onecommit_aws_s3::S3Payloads;
use onecommit_aws_sqs::SqsQueue;
use onecommit_commit::PatientReads;
use onecommit_config::Process;
use onecommit_context_orders::Orders;
use onecommit_environment::Environment;
use onecommit_event_store::EventStore;

use crate::config::Config;

fn main() -> ExitCode {
    onecommit_lambda::start(async {
        let Config { session, context } = Config::read(&Process)?;
        onecommit_telemetry::init(context.log_level);
        let environment = Environment::system();
        let database = Arc::new(PatientReads::of(DynamoDb::new(&session), environment.clone()));
        let store = EventStore::new(
            database.clone(),
            database.clone(),
            context.log.clone(),
            environment.clone(),
        );
        let orders = Orders::new(store, environment.clone());
        let mut engine = context.engine(orders.consumer("orders"), database, environment);
        let mut queue = SqsQueue::new(session.clone(), context.queue_url, context.dead_letter_queue_url);
        if let Some(bucket) = context.claim_check_bucket {
            let payloads = Arc::new(S3Payloads::new(session, bucket));
            engine = engine.with_claim_checks(payloads.clone());
            queue = queue.keeping_bodies_in(payloads);
        }
        onecommit_lambda::serve_context(engine, queue, orders.api(), onecommit_lambda::no_tasks).await
    })
}
