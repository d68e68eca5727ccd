use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, FutureExt, select};
use futures_util::stream::{self, StreamExt};
use onecommit_environment::Environment;
use tower::ServiceExt;
use tracing::{Instrument, debug, info_span, warn};

use crate::commit::Commit;
use crate::committer::{Committer, Outcome, Unit};
use crate::consumer::{Consumer, Registered, Settings};
use crate::database::Database;
use crate::deadline::{Deadline, TimeNeeded};
use crate::delivery::Delivery;
use crate::handler::{Failure, Message, failure_of};
use crate::intake::{self, Intake, Work, copy_verdict};
use crate::lanes;
use crate::ledger::{Handled, Ledger};
use crate::metrics::Metrics;
use crate::recent::Recent;
use crate::transaction;
use crate::value::Item;
use crate::verdict::{ParkReason, RetryReason, Verdict};

/// Handles messages, one commit each.
pub struct Engine {
    consumer: Consumer,
    ledger: Ledger,
    environment: Environment,
    metrics: Arc<Metrics>,
    committer: Committer,
    recent: Recent,
    needed: TimeNeeded,
}

/// Left of an invocation's time for settling the batch: parking, delaying, answering.
const TIME_TO_SETTLE: Duration = Duration::from_millis(500);

impl Engine {
    /// An engine for `consumer`, which commits to `database` and keeps its ledger there.
    #[must_use]
    pub fn new(consumer: Consumer, database: Arc<dyn Database>, ledger: Ledger, environment: Environment) -> Self {
        let metrics = Arc::new(Metrics::default());
        let committer = Committer::new(database, environment.clone(), Arc::clone(&metrics), &consumer.settings);
        let recent = Recent::new(consumer.settings.remembered_max);
        Self { consumer, ledger, environment, metrics, committer, recent, needed: TimeNeeded::default() }
    }

    /// The consumer's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.consumer.name
    }

    /// The consumer's settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.consumer.settings
    }

    /// The clock and the randomness it works with.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// What it counted.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Handles a batch and tells what became of each delivery, in their order.
    ///
    /// No delivery fails another. Those that are not started in time, fail, or come after a failed one in their FIFO
    /// group, are [`Verdict::Retry`]; none is ever left without a verdict.
    pub async fn handle(&self, deliveries: &[Delivery], deadline: Deadline) -> Vec<Verdict> {
        let now = self.environment.clock().now();
        let intake = intake::sort_out(deliveries, &self.consumer, &self.recent, now);
        let lanes = lanes::of(deliveries);
        let mut verdicts: Vec<Option<Verdict>> = vec![None; deliveries.len()];
        let mut finished = stream::iter(lanes)
            .map(|lane| self.run_lane(lane, deliveries, &intake, deadline))
            .buffer_unordered(self.consumer.settings.concurrency.max(1));
        while let Some(lane) = finished.next().await {
            for (place, verdict) in lane {
                verdicts[place] = Some(verdict);
            }
        }
        settle_copies(&intake, verdicts).into_iter().inspect(|verdict| self.metrics.verdict(verdict)).collect()
    }

    /// One after the other; after one that has to come back, the rest waits for it.
    async fn run_lane(
        &self,
        lane: lanes::Lane,
        deliveries: &[Delivery],
        intake: &[Intake],
        deadline: Deadline,
    ) -> Vec<(usize, Verdict)> {
        let mut verdicts = Vec::with_capacity(lane.len());
        let mut held_back: Option<Duration> = None;
        for place in lane {
            let verdict = match (&intake[place], held_back) {
                (Intake::CopyOf(_), _) => continue,
                (Intake::Decided(verdict), None) => verdict.clone(),
                (Intake::Work(work), None) => self.run_one(work, &deliveries[place], deadline).await,
                (_, Some(after)) => Verdict::retry(after, RetryReason::HeldBack, "a message before it comes first"),
            };
            if let Verdict::Retry { after, .. } = verdict {
                held_back = Some(after);
            }
            verdicts.push((place, verdict));
        }
        verdicts
    }

    async fn run_one(&self, work: &Work, delivery: &Delivery, deadline: Deadline) -> Verdict {
        let clock = self.environment.clock();
        if deadline.remaining(clock) < self.needed.get() + TIME_TO_SETTLE {
            return Verdict::retry(Duration::ZERO, RetryReason::NotStarted, "no time left in this invocation");
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

    /// Runs the handler and commits; again on fresh reads while only the commit's conditions failed.
    async fn attempt(&self, work: &Work, delivery: &Delivery, deadline: Deadline) -> Verdict {
        let Some(handler) = self.consumer.handlers.get(work.event.event_type()) else {
            return Verdict::Ignored;
        };
        let mut reruns = 0;
        loop {
            let commit = match self.run_handler(handler, work, delivery, deadline).await {
                Ok(commit) => commit,
                Err(verdict) => return verdict,
            };
            match self.commit(work, delivery, commit).await {
                Committed::Verdict(verdict) => return verdict,
                Committed::ConditionFailed(_) if reruns < self.consumer.settings.reruns_max => {
                    reruns += 1;
                    self.metrics.rerun();
                }
                Committed::ConditionFailed(error) => {
                    let error = format!("{error}, also after {reruns} reruns on fresh reads");
                    return self.come_back(delivery, RetryReason::ConditionFailed, error);
                }
            }
        }
    }

    async fn run_handler(
        &self,
        handler: &Registered,
        work: &Work,
        delivery: &Delivery,
        deadline: Deadline,
    ) -> Result<Commit, Verdict> {
        let clock = self.environment.clock();
        let _expected = self.committer.expect_another();
        let message = Message { event: work.event.clone(), receive_count: delivery.receive_count };
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
            Ok(Ok(effect)) => Ok(effect.commit),
            Ok(Err(error)) => Err(self.failed(delivery, failure_of(error))),
            Err(panic) => Err(self.come_back(delivery, RetryReason::HandlerPanicked, panic_message(&*panic))),
        }
    }

    fn failed(&self, delivery: &Delivery, failure: Failure) -> Verdict {
        match failure {
            Failure::Reject(why) => Verdict::park(ParkReason::Rejected, why),
            Failure::Invalid(error) => Verdict::park(intake::park_reason(error.kind()), error),
            Failure::Transient(error) => self.come_back(delivery, RetryReason::HandlerFailed, with_sources(&*error)),
        }
    }

    async fn commit(&self, work: &Work, delivery: &Delivery, commit: Commit) -> Committed {
        let handled = Handled {
            id: work.event.id(),
            event_type: work.event.event_type(),
            fingerprint: work.fingerprint,
            message_id: &delivery.message_id,
        };
        let record = self.ledger.record(&self.consumer.name, &handled, self.environment.clock().now());
        let mut writes = Vec::with_capacity(commit.writes().len() + 1);
        writes.push(record.into());
        writes.extend(commit.into_writes());
        if let Err(fault) = transaction::check(&writes) {
            return Committed::Verdict(Verdict::park(ParkReason::InvalidCommit, fault));
        }
        self.send(work, delivery, writes).await
    }

    async fn send(&self, work: &Work, delivery: &Delivery, writes: Vec<crate::Write>) -> Committed {
        let settings = &self.consumer.settings;
        let mut failures = 0;
        loop {
            // What comes a second time may have landed the first time; it shall not spoil what others share.
            let alone = delivery.receive_count > 1 || failures > 0;
            let verdict = match self.committer.commit(Unit { writes: writes.clone(), alone }).await {
                Outcome::Landed => self.remember(work, Verdict::Done),
                Outcome::Claimed(found) => self.remember(work, self.judge_copy(work, found.as_ref())),
                Outcome::ConditionFailed(error) => return Committed::ConditionFailed(error),
                Outcome::Refused(error) => self.come_back(delivery, RetryReason::CommitRefused, error),
                Outcome::Transient(error) => {
                    failures += 1;
                    if failures < settings.commit_attempts_max {
                        let wait = settings.commit_backoff.after(failures, self.environment.random());
                        self.environment.clock().sleep(wait).await;
                        continue;
                    }
                    self.come_back(delivery, RetryReason::DatabaseUnavailable, error)
                }
            };
            return Committed::Verdict(verdict);
        }
    }

    /// The ledger says it was handled: the same event again, or another one under its id?
    fn judge_copy(&self, work: &Work, found: Option<&Item>) -> Verdict {
        let recorded = found.and_then(Ledger::fingerprint_in);
        let says_the_same = recorded.is_none_or(|recorded| recorded == work.fingerprint.to_string());
        copy_verdict(work.event.id(), says_the_same)
    }

    fn remember(&self, work: &Work, verdict: Verdict) -> Verdict {
        if matches!(verdict, Verdict::Done | Verdict::Duplicate) {
            self.recent.add(work.event.id(), work.fingerprint);
        }
        verdict
    }

    fn come_back(&self, delivery: &Delivery, reason: RetryReason, error: impl std::fmt::Display) -> Verdict {
        let backoff = self.consumer.settings.redelivery_backoff;
        let after = backoff.after(delivery.receive_count.max(1), self.environment.random());
        Verdict::retry(after, reason, error)
    }

    fn give_up_if_exhausted(&self, verdict: Verdict, delivery: &Delivery) -> Verdict {
        match verdict {
            Verdict::Retry { reason, error, .. }
                if delivery.receive_count >= self.consumer.settings.deliveries_max
                    && reason.exhausted().is_some() =>
            {
                let parked_as = reason.exhausted().unwrap_or(ParkReason::HandlerFailed);
                Verdict::park(parked_as, format!("{error} (delivery {})", delivery.receive_count))
            }
            other => other,
        }
    }
}

/// What came of one try to commit.
enum Committed {
    Verdict(Verdict),
    ConditionFailed(String),
}

/// A copy shares the end of its original: parked once, handled once; but both come back.
fn settle_copies(intake: &[Intake], verdicts: Vec<Option<Verdict>>) -> Vec<Verdict> {
    let of_copy = |original: Option<&Verdict>| match original {
        Some(retry @ Verdict::Retry { .. }) => retry.clone(),
        Some(_) => Verdict::Duplicate,
        None => Verdict::retry(Duration::ZERO, RetryReason::NotStarted, "its original was not started"),
    };
    intake
        .iter()
        .enumerate()
        .map(|(place, intake)| match (intake, &verdicts[place]) {
            (Intake::CopyOf(original), _) => of_copy(verdicts[*original].as_ref()),
            (_, Some(verdict)) => verdict.clone(),
            (_, None) => Verdict::retry(Duration::ZERO, RetryReason::NotStarted, "it was not started"),
        })
        .collect()
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

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
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
