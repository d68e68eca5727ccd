//! Running the handler of one message, and judging how it ended.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::future::{Either, FutureExt, select};
use onecommit_mutants::{Mutant, is_on};
use tower::ServiceExt;
use tracing::{Instrument, debug, info_span, warn};

use super::landing::Committed;
use super::{Engine, TIME_TO_SETTLE, not_started};
use crate::consumer::Registered;
use crate::deadline::Deadline;
use crate::delivery::Delivery;
use crate::effects::{Effect, Failure, Kind, Message, failure_of};
use crate::intake::{self, Work};
use crate::verdict::{ParkReason, RetryReason, Verdict};

impl Engine {
    pub(super) async fn run_one(&self, work: &Work, delivery: &Delivery, deadline: Deadline) -> Verdict {
        let clock = self.environment.clock();
        if self.stopping.load(Ordering::Relaxed) {
            return not_started("this process is about to end");
        }
        if deadline.remaining(clock) < self.needed.get() + TIME_TO_SETTLE {
            return not_started("no time left in this invocation");
        }
        let event = &work.event;
        let span = info_span!(
            "message",
            message.id = delivery.message_id,
            event.id = %event.id(),
            event.r#type = event.event_type(),
            correlation.id = event.metadata().correlation_id,
            causation.id = event.metadata().causation_id,
        );
        let started = clock.instant();
        let verdict = self.attempt(work, delivery, deadline).instrument(span.clone()).await;
        self.needed.seen(clock.instant().saturating_duration_since(started));
        let verdict = self.give_up_if_exhausted(verdict, delivery);
        span.in_scope(|| log(&verdict));
        verdict
    }

    /// Runs the handler and lands its effect; again on fresh reads while only the commit's conditions failed.
    async fn attempt(&self, work: &Work, delivery: &Delivery, deadline: Deadline) -> Verdict {
        let Some(handler) = self.consumer.handlers.get(work.event.event_type()) else {
            return Verdict::Ignored;
        };
        if is_on(Mutant::MarkedBeforeHandling)
            && let Some(verdict) = self.mark(work, delivery, deadline).await
        {
            return verdict;
        }
        let mut reruns = 0;
        loop {
            let effect = match self.run_handler(handler, work, delivery, deadline).await {
                Ok(effect) => effect,
                Err(verdict) => return verdict,
            };
            let committed = match effect.0 {
                Kind::Decided(verdict) => return verdict,
                Kind::View(view) => return self.land_view(work, delivery, view, deadline).await,
                // A guarded call must not be made again: only what follows from it is worked out anew.
                Kind::Leased(leased) => return self.land_leased(work, delivery, leased, deadline).await,
                Kind::Commit(commit) => self.land_commit(work, delivery, commit, deadline).await,
            };
            match self.again(committed, &mut reruns, delivery) {
                Some(verdict) => return verdict,
                None => self.metrics.rerun(),
            }
        }
    }

    /// The verdict, or nothing when the handler shall run again.
    pub(super) fn again(&self, committed: Committed, reruns: &mut u32, delivery: &Delivery) -> Option<Verdict> {
        match committed {
            Committed::Verdict(verdict) => Some(verdict),
            Committed::ConditionFailed(_) if *reruns < self.consumer.settings.reruns_max => {
                *reruns += 1;
                None
            }
            Committed::ConditionFailed(error) => {
                let error = format!("{error}, also after {reruns} reruns on fresh reads");
                Some(self.come_back(delivery, RetryReason::ConditionFailed, error))
            }
        }
    }

    async fn run_handler(
        &self,
        handler: &Registered,
        work: &Work,
        delivery: &Delivery,
        deadline: Deadline,
    ) -> Result<Effect, Verdict> {
        let clock = self.environment.clock();
        let _expected = self.committer.expect_another();
        let message = Message {
            event: work.event.clone(),
            receive_count: delivery.receive_count,
            leases: Arc::clone(&self.leases),
        };
        let left = deadline.remaining(clock).saturating_sub(TIME_TO_SETTLE);
        let limit = self.consumer.settings.handler_timeout.min(left);
        let running = AssertUnwindSafe(handler.service.clone().oneshot(message)).catch_unwind();
        let result = match select(std::pin::pin!(running), clock.sleep(limit)).await {
            Either::Left((result, _)) => result,
            Either::Right(_) => {
                let error = format!("the handler did not finish in {} ms", limit.as_millis());
                return Err(self.come_back(delivery, RetryReason::HandlerTimedOut, error));
            }
        };
        match result {
            Ok(Ok(effect)) => Ok(effect),
            Ok(Err(error)) => Err(self.failed(delivery, failure_of(error))),
            Err(panic) => Err(self.come_back(delivery, RetryReason::HandlerPanicked, panic_message(&*panic))),
        }
    }

    pub(super) fn failed(&self, delivery: &Delivery, failure: Failure) -> Verdict {
        match failure {
            Failure::Reject(why) => Verdict::park(ParkReason::Rejected, why),
            Failure::Invalid(error) => Verdict::park(intake::park_reason(error.kind()), error),
            Failure::Transient(error) => self.come_back(delivery, RetryReason::HandlerFailed, with_sources(&*error)),
        }
    }

    pub(super) fn come_back(&self, delivery: &Delivery, reason: RetryReason, error: impl std::fmt::Display) -> Verdict {
        let backoff = self.consumer.settings.redelivery_backoff;
        let after = backoff.after(delivery.receive_count.max(1), self.environment.random());
        Verdict::retry(after, reason, error)
    }

    pub(super) fn give_up_if_exhausted(&self, verdict: Verdict, delivery: &Delivery) -> Verdict {
        match verdict {
            Verdict::Retry { reason, error, .. }
                if delivery.receive_count >= self.consumer.settings.deliveries_max && reason.exhausted().is_some() =>
            {
                if is_on(Mutant::GivenUpIsDropped) {
                    return Verdict::Done;
                }
                let parked_as = reason.exhausted().unwrap_or(ParkReason::HandlerFailed);
                Verdict::park(parked_as, format!("{error} (delivery {})", delivery.receive_count))
            }
            other => other,
        }
    }
}

fn log(verdict: &Verdict) {
    match verdict {
        Verdict::Done => debug!("handled"),
        Verdict::Duplicate => debug!("duplicate absorbed"),
        Verdict::Ignored => debug!("ignored"),
        Verdict::Retry { after, reason, error } => {
            warn!(reason = %reason, retry.after_ms = after.as_millis() as u64, error, "will come back");
        }
        Verdict::Park { reason, error } => warn!(reason = %reason, error, "to be parked"),
    }
}

pub(super) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the handler panicked: {}", text.unwrap_or("no message"))
}

/// An error with all that caused it, in one line.
fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
