use std::time::Duration;

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse};
use lambda_runtime::Context;
use onecommit_engine::{Delivery, Settlement};
use onecommit_environment::Environment;

/// How long the invocation may still take.
pub(crate) fn remaining(context: &Context, environment: &Environment) -> Duration {
    let now_ms = u64::try_from(environment.clock().now().unix_ms()).unwrap_or(0);
    Duration::from_millis(context.deadline.saturating_sub(now_ms))
}

/// The answer that names the messages to be redelivered.
pub(crate) fn response_of(deliveries: &[Delivery], settlement: &Settlement) -> SqsBatchResponse {
    let failures = settlement.failed.iter().map(|place| {
        let mut failure = BatchItemFailure::default();
        failure.item_identifier.clone_from(&deliveries[*place].message_id);
        failure
    });
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = failures.collect();
    response
}
