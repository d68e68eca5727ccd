//! Lambda: asks for a shipment for each order, one commit per message.

mod config;
mod shipping;

use std::process::ExitCode;
use std::sync::Arc;

use onecommit::aws::{DynamoDb, S3Payloads, SqsQueue};
use onecommit::config::Process;
use onecommit::{Engine, Environment, lambda, telemetry};

use crate::config::Config;
use crate::shipping::Shipping;

fn main() -> ExitCode {
    lambda::start(async {
        let Config {
            session,
            consumer: config,
            shipments,
        } = Config::read(&Process)?;
        telemetry::init(config.log_level);
        let consumer = Shipping::new(shipments).consumer(config.name).with(config.settings);
        let database = DynamoDb::shared(&session);
        let mut engine = Engine::new(consumer, database, config.ledger, Environment::system());
        let mut queue = SqsQueue::new(session.clone(), config.queue_url, config.dead_letter_queue_url);
        if let Some(bucket) = config.claim_check_bucket {
            let payloads = Arc::new(S3Payloads::new(session, bucket));
            engine = engine.with_claim_checks(payloads.clone());
            queue = queue.keeping_bodies_in(payloads);
        }
        lambda::serve_consumer(engine, queue).await
    })
}
