//! Lambda: the context notifications, behind its queue and its API.

mod config;
mod couriers;

use std::process::ExitCode;
use std::sync::Arc;

use onecommit_aws_dynamodb::DynamoDb;
use onecommit_aws_s3::S3Payloads;
use onecommit_aws_sqs::SqsQueue;
use onecommit_commit::PatientReads;
use onecommit_config::Process;
use onecommit_context_notifications::{ByChannel, Notifications};
use onecommit_environment::Environment;

use crate::config::Config;
use crate::couriers::{SesEmail, SnsDirect};

fn main() -> ExitCode {
    onecommit_lambda::start(async {
        let Config {
            session,
            context,
            sealing,
            sender,
        } = Config::read(&Process)?;
        onecommit_telemetry::init(context.log_level);
        let environment = Environment::system();
        let database = Arc::new(PatientReads::of(DynamoDb::new(&session), environment.clone()));
        let sealer = onecommit_aws_kms::sealer(
            &database,
            sealing.subject_keys,
            &session,
            sealing.kms_key,
            environment.clone(),
        );
        let phones_and_apps = Arc::new(SnsDirect::new(&session));
        let courier = ByChannel {
            email: Arc::new(SesEmail::new(&session, sender)),
            sms: phones_and_apps.clone(),
            push: phones_and_apps,
        };
        let table = context.table.clone();
        let notifications = Notifications::new(
            &database,
            table,
            Arc::new(courier),
            Arc::new(sealer),
            environment.clone(),
        );
        let mut engine = context.engine(notifications.consumer("notifications"), database, environment);
        let mut queue = SqsQueue::new(session.clone(), context.queue_url, context.dead_letter_queue_url);
        if let Some(bucket) = context.claim_check_bucket {
            let payloads = Arc::new(S3Payloads::new(session, bucket));
            engine = engine.with_claim_checks(payloads.clone());
            queue = queue.keeping_bodies_in(payloads);
        }
        onecommit_lambda::serve_context(engine, queue, notifications.api(), onecommit_lambda::no_tasks).await
    })
}
