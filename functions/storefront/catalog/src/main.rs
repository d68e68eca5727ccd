//! Lambda: the catalog's queue, API and schedule.

mod config;

use std::process::ExitCode;
use std::sync::Arc;

use onecommit_aws_dynamodb::DynamoDb;
use onecommit_aws_s3::S3Payloads;
use onecommit_aws_sqs::SqsQueue;
use onecommit_commit::PatientReads;
use onecommit_config::Process;
use onecommit_context_catalog::{Catalog, EXPIRE_RESERVATIONS};
use onecommit_environment::Environment;
use onecommit_lambda::{ScheduledTask, serve_context, unknown_task};
use serde_json::json;

use crate::config::Config;

fn main() -> ExitCode {
    onecommit_lambda::start(async {
        let config = Config::read(&Process)?;
        let (session, context) = (config.session, config.context);
        onecommit_telemetry::init(context.log_level);
        let environment = Environment::system();
        let database = Arc::new(PatientReads::of(DynamoDb::new(&session), environment.clone()));
        let catalog = Catalog::new(
            &database,
            context.table.clone(),
            context.log.clone(),
            environment.clone(),
        )
        .holding_for(config.hold_for);
        let mut engine = context.engine(catalog.consumer(), database, environment);
        let mut queue = SqsQueue::new(session.clone(), context.queue_url, context.dead_letter_queue_url);
        if let Some(bucket) = context.claim_check_bucket {
            let payloads = Arc::new(S3Payloads::new(session, bucket));
            engine = engine.with_claim_checks(payloads.clone());
            queue = queue.keeping_bodies_in(payloads);
        }
        let api = catalog.api();
        let scheduled = async |task: ScheduledTask| match task.name.as_str() {
            EXPIRE_RESERVATIONS => Ok(json!(catalog.expire_reservations(task.deadline).await?)),
            _ => Err(unknown_task(&task)),
        };
        serve_context(engine, queue, api, scheduled).await
    })
}
