use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::event::sqs::SqsBatchResponse;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use onecommit_engine::{Deadline, Delivery, Queue, Settlement};
use onecommit_views::Projector;
use serde_json::value::RawValue;

use crate::batch::{remaining, response_of};
use crate::deliveries::deliveries_of;
use crate::invocation::{Invoked, Trigger, in_span};

/// Serves SQS batches with a projector until the environment ends; what it parks, it parks in the name of `consumer`.
///
/// The event source mapping has to have `ReportBatchItemFailures` on: without it, messages to be redelivered would
/// be deleted.
///
/// # Errors
/// When the Lambda runtime API cannot be reached.
pub async fn serve_projector(consumer: String, projector: Projector, queue: impl Queue + 'static) -> Result<(), Error> {
    let shared = Arc::new((consumer, projector, queue));
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let shared = Arc::clone(&shared);
        async move {
            let (consumer, projector, queue) = &*shared;
            let remaining = remaining(&event.context, projector.environment());
            let deliveries = deliveries_of(event.payload.get())?;
            let (environment, invoked) = (projector.environment(), Invoked::by(&event.context));
            let projecting = project_batch(consumer, projector, queue, deliveries, remaining);
            Ok::<_, Error>(in_span(environment, &invoked, Trigger::Messages, projecting).await)
        }
    }))
    .await
}

/// Handles one batch within `remaining` time and answers with those to be redelivered.
async fn project_batch(
    consumer: &str,
    projector: &Projector,
    queue: &dyn Queue,
    deliveries: Vec<Delivery>,
    remaining: Duration,
) -> SqsBatchResponse {
    let environment = projector.environment();
    let deadline = Deadline::after(remaining, environment.clock());
    let verdicts = projector.handle(&deliveries, deadline).await;
    let settlement = Settlement::carry_out_as(consumer, environment, queue, &deliveries, &verdicts, deadline).await;
    let now = environment.clock().now();
    for view in projector.take_tallies() {
        onecommit_telemetry::emit_tally(&view.name, &view.tally, now);
        onecommit_telemetry::emit_lags(&view.name, &view.lags, now);
    }
    response_of(&deliveries, &settlement)
}
