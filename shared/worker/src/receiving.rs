//! One receive loop: room, then messages, then the engine.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use onecommit_engine::Delivery;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;
use tracing::{error, warn};

use crate::handling::{Batch, Handled};
use crate::room::Places;
use crate::shared::Shared;
use crate::source::SourceError;

/// How long a request for messages that is open when the worker shall end is still waited for. One that has not been
/// answered by then waits at an empty queue.
///
/// ```text
/// worker    receive ─────────────────┬ shall end ─────┬ gives the request up
/// queue     nothing ... nothing ... nothing ... nothing
///
/// worker    receive ──┬ shall end ─────┬ gives the messages back
/// queue     messages ──────────────────┘
/// ```
const GRACE: Duration = Duration::from_secs(1);

/// The longest that an answer may take beyond the time a request waits for messages.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);

/// Receives until the worker shall end; returns when all that it received has its verdict.
pub(crate) async fn run(shared: Arc<Shared>, handled: UnboundedSender<Handled>) {
    let mut batches = JoinSet::new();
    let mut failures = 0;
    // The first request does not wait: whether the queue can be reached shows at once.
    let mut wait = Duration::ZERO;
    while let Some(places) = until_stopped(&shared, shared.room.take()).await.flatten() {
        match receive(&shared, &places, wait).await {
            Received::Messages(deliveries) => {
                failures = 0;
                shared.counters.received(deliveries.len());
                if !deliveries.is_empty() {
                    let batch = Batch::take_in(&shared, deliveries, places);
                    batches.spawn(batch.handle(handled.clone()));
                }
            }
            Received::Failure(problem) => {
                failures += 1;
                drop(places);
                shared.counters.receive_failed();
                back_off(&shared, failures, &problem).await;
            }
            Received::Stopped => break,
        }
        wait = shared.settings.receive_wait;
        while let Some(ended) = batches.try_join_next() {
            report(ended);
        }
    }
    while let Some(ended) = batches.join_next().await {
        report(ended);
    }
}

enum Received {
    Messages(Vec<Delivery>),
    Failure(SourceError),
    Stopped,
}

async fn receive(shared: &Shared, places: &Places, wait: Duration) -> Received {
    let visibility = shared.settings.visibility;
    let asking = shared.source.receive(places.count(), wait, visibility);
    let answer = std::pin::pin!(shared.in_time(asking, wait + ANSWER_TIME_MAX));
    let enough = async {
        shared.stop.cancelled().await;
        shared.environment().clock().sleep(GRACE).await;
    };
    match select(answer, std::pin::pin!(enough)).await {
        Either::Left((Some(Ok(deliveries)), _)) => Received::Messages(deliveries),
        Either::Left((Some(Err(problem)), _)) => Received::Failure(problem),
        Either::Left((None, _)) => Received::Failure(SourceError::Transient("no answer in time".into())),
        Either::Right(_) => Received::Stopped,
    }
}

async fn back_off(shared: &Shared, failures: u32, problem: &SourceError) {
    let wait = shared
        .settings
        .receive_backoff
        .after(failures, shared.environment().random());
    let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    match problem {
        SourceError::Refused(_) => {
            error!(problem = %problem, failures, retry.after_ms = wait_ms, "messages cannot be received")
        }
        _ => warn!(problem = %problem, failures, retry.after_ms = wait_ms, "messages cannot be received"),
    }
    until_stopped(shared, shared.environment().clock().sleep(wait)).await;
}

/// `None` when the worker shall end first.
async fn until_stopped<T>(shared: &Shared, future: impl Future<Output = T>) -> Option<T> {
    shared.stop.run_until_cancelled(future).await
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(problem) = ended {
        error!(problem = %problem, "batch was abandoned; its messages will be redelivered when their visibility timeout ends");
    }
}
