use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::event::sqs::SqsBatchResponse;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use onecommit_engine::{Deadline, Delivery, Engine, Queue, Settlement};
use serde_json::value::RawValue;

use crate::batch::{remaining, response_of};
use crate::deliveries::deliveries_of;
use crate::invocation::{Invoked, Trigger, in_span};

/// Serves SQS batches until the environment ends.
///
/// The event source mapping has to have `ReportBatchItemFailures` on: without it, messages to be redelivered would
/// be deleted.
///
/// # Errors
/// When the Lambda runtime API cannot be reached.
pub async fn serve_consumer(engine: Engine, queue: impl Queue + 'static) -> Result<(), Error> {
    let (engine, queue) = (Arc::new(engine), Arc::new(queue));
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let (engine, queue) = (Arc::clone(&engine), Arc::clone(&queue));
        async move {
            let remaining = remaining(&event.context, engine.environment());
            let deliveries = deliveries_of(event.payload.get())?;
            let (environment, invoked) = (engine.environment(), Invoked::by(&event.context));
            let handling = handle_batch(&engine, &*queue, deliveries, remaining);
            Ok::<_, Error>(in_span(environment, &invoked, Trigger::Messages, handling).await)
        }
    }))
    .await
}

/// Handles one batch within `remaining` time and answers with those to be redelivered.
pub async fn handle_batch(
    engine: &Engine,
    queue: &dyn Queue,
    deliveries: Vec<Delivery>,
    remaining: Duration,
) -> SqsBatchResponse {
    let deadline = Deadline::after(remaining, engine.environment().clock());
    let verdicts = engine.handle(&deliveries, deadline).await;
    let settlement = Settlement::carry_out(engine, queue, &deliveries, &verdicts, deadline).await;
    let tally = engine.metrics().take();
    onecommit_telemetry::emit_tally(engine.name(), &tally, engine.environment().clock().now());
    response_of(&deliveries, &settlement)
}
