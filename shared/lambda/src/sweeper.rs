//! A schedule that puts sagas back to work.

use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use onecommit_engine::Deadline;
use onecommit_environment::Environment;
use onecommit_saga::{DeadlineSender, Sweeper};
use onecommit_telemetry::MetricLine;
use serde::Serialize;
use serde_json::Value;
use tracing::warn;

use crate::batch::remaining;
use crate::invocation::{Invoked, Trigger, in_span};

/// What a sweep came to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    /// Sagas put back to work.
    woken: usize,
    /// Sagas that could not be; the next sweep finds them again.
    failed: usize,
    /// Rows of sagas that are not valid; the log names them.
    unreadable: usize,
    /// Whether everything was looked through that is due; the next sweep goes on.
    is_complete: bool,
    /// Sagas that wait for a person, counted up to [`ATTENTION_MAX`].
    needing_attention: usize,
}

/// The most sagas that are named to a person in one sweep.
const ATTENTION_MAX: usize = 100;

/// Sweeps whenever it is invoked, until the environment ends.
///
/// # Errors
/// When the Lambda runtime API cannot be reached.
pub async fn serve_sweeper(
    sweeper: Sweeper,
    orchestrator: impl DeadlineSender,
    environment: Environment,
) -> Result<(), Error> {
    let parts = Arc::new((sweeper, orchestrator, environment));
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| {
        let parts = Arc::clone(&parts);
        async move {
            let (sweeper, orchestrator, environment) = &*parts;
            let remaining = remaining(&event.context, environment);
            let deadline = Deadline::after(remaining, environment.clock());
            let sweeping = sweep(sweeper, orchestrator, deadline, environment);
            in_span(environment, &Invoked::by(&event.context), Trigger::Schedule, sweeping).await
        }
    }))
    .await
}

#[allow(clippy::print_stdout, reason = "CloudWatch reads metrics from standard output")]
async fn sweep(
    sweeper: &Sweeper,
    orchestrator: &impl DeadlineSender,
    deadline: Deadline,
    environment: &Environment,
) -> Result<Answer, Error> {
    let swept = sweeper.sweep_until(orchestrator, deadline).await?;
    let stuck = sweeper.needing_attention(ATTENTION_MAX).await?;
    for saga in &stuck {
        warn!(saga = %saga.saga, correlation.id = saga.correlation_id, "saga needs attention");
    }
    let answer = Answer {
        woken: swept.woken,
        failed: swept.failed,
        unreadable: swept.unreadable,
        is_complete: swept.is_complete,
        needing_attention: stuck.len(),
    };
    let line = MetricLine::of_consumer("sweeper")
        .count("SagasWoken", answer.woken as u64)
        .count("SagasNotWoken", answer.failed as u64)
        .count("SagasUnreadable", answer.unreadable as u64)
        .count("SagasNeedingAttention", answer.needing_attention as u64);
    println!("{}", line.to_json(environment.clock().now()));
    Ok(answer)
}
