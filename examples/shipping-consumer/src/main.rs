//! Lambda: asks for a shipment for each order, one commit per message.

mod config;
mod shipping;

use std::process::ExitCode;

use onecommit::aws::{DynamoDb, SqsQueue};
use onecommit::config::Process;
use onecommit::{Engine, Environment, Ledger, lambda, telemetry};

use crate::config::Config;
use crate::shipping::Shipping;

fn main() -> ExitCode {
    lambda::start(async {
        let config = Config::read(&Process)?;
        telemetry::init(config.log_level);
        let consumer = Shipping::new(config.shipments).consumer();
        let ledger = Ledger::new(config.ledger);
        let engine = Engine::new(
            consumer,
            DynamoDb::shared(&config.session),
            ledger,
            Environment::system(),
        );
        let queue = SqsQueue::new(config.session, config.queue_url, config.dead_letter_queue_url);
        lambda::serve_consumer(engine, queue).await
    })
}
