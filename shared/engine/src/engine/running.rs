//! Running the handler of one message, and judging how it ended.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::{Either, FutureExt, select};
use onecommit_environment::TRACES;
use onecommit_event::claim_check::ClaimCheck;
use onecommit_event::{Event, shown_name};
use tower::ServiceExt;
use tracing::{Instrument, debug, info, info_span, warn};

use super::panics::panic_message;
use super::reruns::Reruns;
use super::{Batch, Engine, not_started, traces};
use crate::admission::{self, Work};
use crate::consumer::{RecordedIn, Registered};
use crate::deadline::Deadline;
use crate::delivery::Delivery;
use crate::effects::{Effect, Failure, Kind, Message, failure_of};
use crate::failures::Patience;
use crate::outage::Admission;
use crate::redelivery;
use crate::verdict::{ParkReason, RetryReason, Verdict, copy_verdict};

impl Engine {
    pub(super) async fn run_one(&self, event: &Event, delivery: &Delivery, batch: &Batch) -> Verdict {
        let Some((event_type, handler)) = self.consumer.handlers.get_key_value(event.event_type()) else {
            return Verdict::Ignored;
        };
        if self.stopping.load(Ordering::Relaxed) {
            return not_started("this process is shutting down");
        }
        let traced = self.process_span(event, delivery);
        let handling = self.run_registered(event_type, handler, event, delivery, batch);
        let verdict = handling.instrument(traced.clone()).await;
        traces::note(&traced, &verdict);
        verdict
    }

    async fn run_registered(
        &self,
        event_type: &'static str,
        handler: &Registered,
        event: &Event,
        delivery: &Delivery,
        batch: &Batch,
    ) -> Verdict {
        let span = info_span!(
            "message",
            message.id = delivery.message_id,
            event.id = %event.id(),
            event.r#type = shown_name(event.event_type()),
            correlation.id = shown_name(&event.metadata().correlation_id),
            causation.id = shown_name(&event.metadata().causation_id),
        );
        let verdict = match self.admission(event_type, delivery, batch.deadline).await {
            Err(verdict) => verdict,
            Ok(_trial) if !self.may_start(batch) => not_started("no time left in this invocation"),
            Ok(_trial) => {
                let tried = self.try_one(handler, event, delivery, batch.deadline);
                let verdict = tried.instrument(span.clone()).await;
                self.outages.learn(event_type, &verdict, &self.environment);
                verdict
            }
        };
        let verdict = self.count_failure(verdict, delivery, batch.deadline).await;
        span.in_scope(|| log(&verdict));
        verdict
    }

    /// In an outage, most of the messages that have failed before are given back without a try.
    async fn admission(
        &self,
        event_type: &'static str,
        delivery: &Delivery,
        deadline: Deadline,
    ) -> Result<Admission, Verdict> {
        if delivery.receive_count <= 1 {
            return Ok(Admission::Try { _trial: None });
        }
        let clock = self.environment.clock();
        loop {
            match self.outages.admit(event_type, clock.instant()) {
                Admission::Back(reason, error) => {
                    let error = format!("not tried, because the outage continues: {error}");
                    return Err(self.retry(delivery, reason, error));
                }
                Admission::After(trial) => {
                    let time_over = clock.sleep(deadline.for_work(clock).min(TRIAL_TIME_MAX));
                    if let Either::Right(_) = select(std::pin::pin!(trial.ended()), time_over).await {
                        return Err(not_started(
                            "another message was still being tried when the invocation's time was over",
                        ));
                    }
                }
                admission @ Admission::Try { .. } => return Ok(admission),
            }
        }
    }

    /// The first message of a batch is started whatever was seen before, so that a process never stops working; any other
    /// one while there is as much time as messages have been seen to take, but for a half of the invocation at most.
    fn may_start(&self, batch: &Batch) -> bool {
        let left = batch.deadline.for_work(self.environment.clock());
        let needed = self.needed.get().min(batch.deadline.share(2));
        let is_first = !left.is_zero() && !batch.has_started.swap(true, Ordering::Relaxed);
        is_first || left > needed
    }

    async fn try_one(&self, handler: &Registered, event: &Event, delivery: &Delivery, deadline: Deadline) -> Verdict {
        let started = self.environment.clock().instant();
        let claimed;
        let event = if ClaimCheck::is_on(event) {
            claimed = match self.claim(event, delivery, deadline).await {
                Ok(claimed) => claimed,
                Err(verdict) => return verdict,
            };
            &claimed.event
        } else {
            event
        };
        let fingerprint = event.fingerprint();
        if let Some(handled) = self.recent.find(event.id()) {
            return copy_verdict(event.id(), handled == fingerprint);
        }
        let work = Work { event, fingerprint };
        let verdict = self.attempt(handler, &work, delivery, deadline).await;
        if verdict.is_final() {
            let took = self.environment.clock().instant().saturating_duration_since(started);
            self.needed.finished_after(took);
        }
        verdict
    }

    /// Runs the handler and lands its effect; again on fresh reads while only the commit's conditions failed.
    async fn attempt(&self, handler: &Registered, work: &Work<'_>, delivery: &Delivery, deadline: Deadline) -> Verdict {
        if handler.recorded_in == RecordedIn::Ledger
            && delivery.may_be_copy()
            && let Some(verdict) = self.find_record(work, delivery, deadline).await
        {
            return verdict;
        }
        let mut reruns = Reruns::default();
        let mut first_row = None;
        loop {
            let effect = match self.run_handler(handler, work, delivery, deadline).await {
                Ok(effect) => effect,
                Err(verdict) => return verdict,
            };
            let committed = match effect.0 {
                Kind::Decided(verdict) => return self.spaced_out(verdict, delivery),
                Kind::View(view) => return self.land_view(work, delivery, view, deadline).await,
                // A guarded call must not be made again: only what follows from it is worked out anew.
                Kind::Leased(leased) => return self.land_leased(work, delivery, leased, deadline).await,
                Kind::Embedded(change) => {
                    self.land_embedded(work, delivery, change, &mut first_row, deadline)
                        .await
                }
                Kind::Commit(commit) => self.land_commit(work, delivery, commit, deadline).await,
            };
            match self.again(committed, &mut reruns, delivery) {
                Some(verdict) => return verdict,
                None => {
                    self.metrics.rerun();
                    info!(target: TRACES, "the handler runs again: conditions of its commit failed");
                }
            }
        }
    }

    async fn run_handler(
        &self,
        handler: &Registered,
        work: &Work<'_>,
        delivery: &Delivery,
        deadline: Deadline,
    ) -> Result<Effect, Verdict> {
        let _expected = self.committer.expect_another();
        let message = Message {
            event: work.event.clone(),
            receive_count: delivery.receive_count,
            leases: Arc::clone(&self.leases),
        };
        let running = AssertUnwindSafe(handler.service.clone().oneshot(message)).catch_unwind();
        match self.in_handlers_time(running, delivery, deadline).await? {
            Ok(Ok(effect)) => Ok(effect),
            Ok(Err(error)) => Err(self.failed(delivery, failure_of(error))),
            Err(panic) => Err(self.retry(delivery, RetryReason::HandlerPanicked, panic_message(&*panic))),
        }
    }

    /// What a handler comes up with in the time it may take: its own limit, and three quarters of what the invocation has
    /// left, so that there is time to commit.
    ///
    /// Only a handler that had its time, or half of an invocation, is to blame for not having finished.
    pub(super) async fn in_handlers_time<T>(
        &self,
        running: impl Future<Output = T>,
        delivery: &Delivery,
        deadline: Deadline,
    ) -> Result<T, Verdict> {
        let clock = self.environment.clock();
        let own_limit = self.consumer.settings.handler_timeout;
        let left = deadline.for_work(clock);
        let limit = own_limit.min(left - left / 4);
        match select(std::pin::pin!(running), clock.sleep(limit)).await {
            Either::Left((answer, _)) => Ok(answer),
            Either::Right(_) => {
                let error = format!("the handler did not finish in {} ms", limit.as_millis());
                let reason = if limit >= own_limit.min(deadline.share(2)) {
                    RetryReason::HandlerTimedOut
                } else {
                    RetryReason::CutShort
                };
                Err(self.retry(delivery, reason, error))
            }
        }
    }

    pub(super) fn failed(&self, delivery: &Delivery, failure: Failure) -> Verdict {
        match failure {
            Failure::Reject(why) => Verdict::park(ParkReason::Rejected, why),
            Failure::Invalid(error) => Verdict::park(admission::park_reason(error.kind()), error),
            Failure::Transient(error) => self.retry(delivery, RetryReason::HandlerFailed, with_sources(&*error)),
            Failure::Unavailable(error) => self.retry(delivery, RetryReason::Unavailable, with_sources(&*error)),
        }
    }

    pub(super) fn retry(&self, delivery: &Delivery, reason: RetryReason, error: impl std::fmt::Display) -> Verdict {
        let backoff = self.consumer.settings.redelivery_backoff;
        let after = match reason.own_fault() {
            Some(_) => redelivery::after_own_fault(backoff, delivery, &self.environment),
            None => redelivery::after_outage(backoff, delivery, &self.environment),
        };
        Verdict::retry(after, reason, error)
    }

    /// What a lease had to say: its waits do not grow by themselves.
    fn spaced_out(&self, verdict: Verdict, delivery: &Delivery) -> Verdict {
        let backoff = self.consumer.settings.redelivery_backoff;
        match verdict {
            Verdict::Retry { reason, .. } if reason.is_outage() => {
                verdict.no_sooner_than(redelivery::after_outage(backoff, delivery, &self.environment))
            }
            other => other,
        }
    }

    /// A message that failed by its own fault may do so a few times, over all processes; then it is parked.
    async fn count_failure(&self, verdict: Verdict, delivery: &Delivery, deadline: Deadline) -> Verdict {
        let Verdict::Retry { reason, error, .. } = &verdict else {
            return verdict;
        };
        let Some(park_reason) = reason.own_fault() else {
            return verdict;
        };
        let most = self.consumer.settings.deliveries_max;
        let counting = self.failures.count(&delivery.message_id, most);
        match self.in_time(counting, deadline).await {
            Some(Patience::Exhausted) => Verdict::park(park_reason, format!("{error} (failed {most} times)")),
            Some(Patience::Left) | None => verdict,
        }
    }

    /// What comes of some requests before the time for work is over.
    pub(super) async fn in_time<T>(&self, requests: impl Future<Output = T>, deadline: Deadline) -> Option<T> {
        let clock = self.environment.clock();
        match select(std::pin::pin!(requests), clock.sleep(deadline.for_requests(clock))).await {
            Either::Left((answer, _)) => Some(answer),
            Either::Right(_) => None,
        }
    }
}

/// How long messages wait for the one that is tried in an outage, where no invocation ends before.
const TRIAL_TIME_MAX: Duration = Duration::from_secs(60);

fn log(verdict: &Verdict) {
    match verdict {
        Verdict::Done => debug!("message was handled"),
        Verdict::Duplicate => debug!("message was a duplicate"),
        Verdict::Ignored => debug!("message was ignored: its type has no handler"),
        Verdict::Retry { after, reason, error } => {
            warn!(reason = %reason, retry.after_ms = after.as_millis() as u64, error, "message will be redelivered");
        }
        Verdict::Park { reason, error } => warn!(reason = %reason, error, "message will be parked"),
    }
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
