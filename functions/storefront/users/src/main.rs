//! Lambda: the context users, behind its queue and its API.

mod config;

use std::process::ExitCode;
use std::sync::Arc;

use onecommit_aws_dynamodb::DynamoDb;
use onecommit_aws_s3::S3Payloads;
use onecommit_aws_sqs::SqsQueue;
use onecommit_commit::PatientReads;
use onecommit_config::Process;
use onecommit_context_users::Users;
use onecommit_environment::Environment;

use crate::config::Config;

fn main() -> ExitCode {
    onecommit_lambda::start(async {
        let Config {
            session,
            context,
            sealing,
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
        let users = Users::new(
            &database,
            context.table.clone(),
            context.log.clone(),
            Arc::new(sealer),
            environment.clone(),
        );
        let mut engine = context.engine(users.consumer("users"), database, environment);
        let mut queue = SqsQueue::new(session.clone(), context.queue_url, context.dead_letter_queue_url);
        if let Some(bucket) = context.claim_check_bucket {
            let payloads = Arc::new(S3Payloads::new(session, bucket));
            engine = engine.with_claim_checks(payloads.clone());
            queue = queue.keeping_bodies_in(payloads);
        }
        onecommit_lambda::serve_context(engine, queue, users.api(), onecommit_lambda::no_tasks).await
    })
}
