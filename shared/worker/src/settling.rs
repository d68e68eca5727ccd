//! What becomes of messages on which the engine has spoken: deleted, delayed or parked.

use std::sync::Arc;

use futures_util::future::{Either, join, select};
use onecommit_engine::{Deadline, Delivery, Settlement, Verdict};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;
use tracing::{debug, error, warn};

use crate::handling::Handled;
use crate::shared::Shared;
use crate::source::{MESSAGES_MAX, Receipt, SourceError};

/// Requests to delete a message before it is left to come back.
const DELETE_ATTEMPTS_MAX: u32 = 3;

/// Settles until nobody is left who might send more.
pub(crate) async fn run(shared: Arc<Shared>, mut handled: UnboundedReceiver<Handled>) {
    let mut under_way = JoinSet::new();
    while let Some(first) = handled.recv().await {
        let gathered = gather(&shared, first, &mut handled).await;
        under_way.spawn(settle(Arc::clone(&shared), gathered));
        while let Some(ended) = under_way.try_join_next() {
            report(ended);
        }
    }
    while let Some(ended) = under_way.join_next().await {
        report(ended);
    }
}

/// As many as one request takes, or as many as there are before long.
async fn gather(shared: &Shared, first: Handled, handled: &mut UnboundedReceiver<Handled>) -> Vec<Handled> {
    let mut gathered = vec![first];
    let mut long_enough = shared.environment().clock().sleep(shared.settings.delete_linger);
    while gathered.len() < MESSAGES_MAX {
        let room = MESSAGES_MAX - gathered.len();
        let more = std::pin::pin!(handled.recv_many(&mut gathered, room));
        match select(more, long_enough).await {
            Either::Left((0, _)) | Either::Right(_) => break,
            Either::Left((_, still_waiting)) => long_enough = still_waiting,
        }
    }
    gathered
}

async fn settle(shared: Arc<Shared>, handled: Vec<Handled>) {
    let is_finished =
        |handled: &Handled| matches!(handled.verdict, Verdict::Done | Verdict::Duplicate | Verdict::Ignored);
    let (finished, others): (Vec<_>, Vec<_>) = handled.into_iter().partition(is_finished);
    join(delete(&shared, finished), carry_out(&shared, others)).await;
    // A process may be killed at any time: what is settled shall have left its spans behind.
    if let Some(tracer) = shared.environment().tracer() {
        tracer.write();
    }
}

async fn carry_out(shared: &Shared, handled: Vec<Handled>) {
    if handled.is_empty() {
        return;
    }
    let turn = shared.visibility_turn.read().await;
    let (deliveries, verdicts): (Vec<Delivery>, Vec<Verdict>) = handled
        .iter()
        .map(|handled| (handled.delivery.clone(), handled.verdict.clone()))
        .unzip();
    let (engine, queue) = (&shared.engine, &*shared.queue);
    let deadline = Deadline::after(shared.request_time_max(), shared.environment().clock());
    let settlement = Settlement::carry_out(engine, queue, &deliveries, &verdicts, deadline).await;
    drop(turn);
    settlement
        .failed
        .iter()
        .for_each(|place| shared.in_flight.release(handled[*place].ticket));
    let mut is_parked = vec![false; handled.len()];
    settlement.finished.iter().for_each(|place| is_parked[*place] = true);
    let parked = handled
        .into_iter()
        .zip(is_parked)
        .filter_map(|(handled, parked)| parked.then_some(handled));
    delete(shared, parked.collect()).await;
}

async fn delete(shared: &Shared, mut handled: Vec<Handled>) {
    let mut attempts = 0;
    while !handled.is_empty() {
        attempts += 1;
        handled = delete_once(shared, handled, attempts).await;
        if !handled.is_empty() {
            let wait = shared
                .settings
                .receive_backoff
                .after(attempts, shared.environment().random());
            shared.environment().clock().sleep(wait).await;
        }
    }
}

/// Gives back those that are worth another request.
async fn delete_once(shared: &Shared, handled: Vec<Handled>, attempts: u32) -> Vec<Handled> {
    let receipts: Vec<Receipt> = handled.iter().map(|handled| Receipt::from(&handled.delivery)).collect();
    let deleting = shared.source.delete(&receipts);
    let results = match shared.in_time(deleting, shared.request_time_max()).await {
        Some(results) => results,
        None => no_answers(receipts.len()),
    };
    let mut again = Vec::new();
    for (handled, result) in handled.into_iter().zip(results) {
        let id = &handled.delivery.message_id;
        match result {
            Ok(()) => shared.counters.deleted(),
            Err(SourceError::Transient(_)) if attempts < DELETE_ATTEMPTS_MAX => {
                again.push(handled);
                continue;
            }
            Err(SourceError::Expired) => debug!(message.id = id, "message was visible again before it was deleted"),
            Err(problem) => {
                shared.counters.delete_failed();
                warn!(message.id = id, problem = %problem, "message was handled but not deleted; its next delivery will be a duplicate");
            }
        }
        shared.in_flight.release(handled.ticket);
    }
    again
}

fn no_answers(count: usize) -> Vec<Result<(), SourceError>> {
    let error = || Err(SourceError::Transient("no answer in time".into()));
    (0..count).map(|_| error()).collect()
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(problem) = ended {
        error!(problem = %problem, "settling was abandoned; the messages will be redelivered when their visibility timeout ends");
    }
}
