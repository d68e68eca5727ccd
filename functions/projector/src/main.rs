//! Lambda: keeps the views of orders that can be rebuilt from the store.

mod config;

use std::process::ExitCode;
use std::sync::Arc;

use onecommit_aws_dynamodb::DynamoDb;
use onecommit_aws_s3::S3Payloads;
use onecommit_aws_sqs::SqsQueue;
use onecommit_commit::{PatientReads, Rows};
use onecommit_config::Process;
use onecommit_environment::Environment;
use onecommit_projection::{Engines, Projector, ViewControl};

use crate::config::Config;

fn main() -> ExitCode {
    onecommit_lambda::start(async {
        let Config {
            session,
            consumer: config,
            views,
            events,
            refresh,
        } = Config::read(&Process)?;
        onecommit_telemetry::init(config.log_level);
        let environment = Environment::system();
        let database = Arc::new(PatientReads::of(DynamoDb::new(&session), environment.clone()));
        let rows: Arc<dyn Rows> = database.clone();
        let mut engines = Engines::new(database.clone(), config.ledger, environment.clone()).with(config.settings);
        let mut queue = SqsQueue::new(session.clone(), config.queue_url, config.dead_letter_queue_url);
        if let Some(bucket) = config.claim_check_bucket {
            let payloads = Arc::new(S3Payloads::new(session, bucket));
            engines = engines.with_claim_checks(payloads.clone());
            queue = queue.keeping_bodies_in(payloads);
        }
        let control = ViewControl::new(database, rows.clone(), views, environment);
        let projector = Projector::new(onecommit_views::storefront(&rows), engines, control, refresh)?;
        onecommit_lambda::serve_projector(config.name, projector.catching_up_from(events), queue).await
    })
}
