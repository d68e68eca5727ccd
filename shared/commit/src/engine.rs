use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::{Either, FutureExt, select};
use futures_util::stream::{self, StreamExt};
use onecommit_claim_check::{ClaimCheck, ClaimError, PayloadStore, StoreError};
use onecommit_environment::Environment;
use onecommit_event::Event;
use tower::ServiceExt;
use tracing::{Instrument, debug, info_span, warn};

use crate::commit::{Append, Commit};
use crate::committer::{Committer, Outcome, Unit};
use crate::consumer::{Consumer, Registered, Settings};
use crate::database::Database;
use crate::deadline::{Deadline, TimeNeeded};
use crate::delivery::Delivery;
use crate::effects::{Effect, Failure, Gate, Kind, Leased, Message, View, failure_of};
use crate::event_log::EventLog;
use crate::intake::{self, Intake, Work, copy_verdict};
use crate::lanes;
use crate::lease::Leases;
use crate::ledger::{Handled, Ledger};
use crate::metrics::Metrics;
use crate::recent::Recent;
use crate::transaction;
use crate::value::Item;
use crate::verdict::{ParkReason, RetryReason, Verdict};
use crate::write::Put;

/// Handles messages, one commit each.
pub struct Engine {
    consumer: Consumer,
    ledger: Ledger,
    environment: Environment,
    metrics: Arc<Metrics>,
    committer: Committer,
    leases: Arc<Leases>,
    recent: Recent,
    needed: TimeNeeded,
    stopping: AtomicBool,
    payload_store: Option<Arc<dyn PayloadStore>>,
    event_log: Option<EventLog>,
}

/// With more time left than any worker or function needs for a commit, no timer is set.
const NO_HURRY: Duration = Duration::from_secs(24 * 3600);
/// How many payloads are claimed side by side.
const CLAIMS_AT_ONCE: usize = 8;
/// Left of an invocation's time for settling the batch: parking, delaying, answering.
const TIME_TO_SETTLE: Duration = Duration::from_millis(500);

impl Engine {
    /// An engine for `consumer`, which commits to `database` and keeps its ledger there.
    #[must_use]
    pub fn new(consumer: Consumer, database: Arc<dyn Database>, ledger: Ledger, environment: Environment) -> Self {
        let metrics = Arc::new(Metrics::default());
        let committer = Committer::new(
            Arc::clone(&database),
            environment.clone(),
            Arc::clone(&metrics),
            &consumer.settings,
        );
        let leases = Arc::new(Leases::new(
            &consumer.name,
            ledger.clone(),
            database,
            environment.clone(),
            Arc::clone(&metrics),
            consumer.settings.lease_duration,
        ));
        let recent = Recent::new(consumer.settings.remembered_max);
        Self {
            consumer,
            ledger,
            environment,
            metrics,
            committer,
            leases,
            recent,
            needed: TimeNeeded::default(),
            stopping: AtomicBool::new(false),
            payload_store: None,
            event_log: None,
        }
    }

    /// Appends the events of commits to this log.
    #[must_use]
    pub fn with_event_log(mut self, log: EventLog) -> Self {
        self.event_log = Some(log);
        self
    }

    /// Claims the payloads of events that travelled with a claim check from this store.
    #[must_use]
    pub fn with_claim_checks(mut self, store: Arc<dyn PayloadStore>) -> Self {
        self.payload_store = Some(store);
        self
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

    /// From now on nothing more is started: what has not been started comes back at once. A process that is about to
    /// end says so.
    pub fn stop_starting(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Handles a batch and tells what became of each delivery, in their order.
    ///
    /// No delivery fails another. Those that are not started in time, fail, or come after a failed one in their FIFO
    /// group, are [`Verdict::Retry`]; none is ever left without a verdict.
    pub async fn handle(&self, deliveries: &[Delivery], deadline: Deadline) -> Vec<Verdict> {
        let mut verdicts = vec![not_started("it was not started"); deliveries.len()];
        self.handle_each(deliveries, deadline, |place, verdict| verdicts[place] = verdict)
            .await;
        verdicts
    }

    /// Handles a batch like [`handle`](Self::handle), and tells the verdict on each delivery, by its place in the
    /// batch, as soon as it is known: what is done need not wait for the slowest. Those that have to keep an order
    /// are told of together.
    pub async fn handle_each(
        &self,
        deliveries: &[Delivery],
        deadline: Deadline,
        mut tell: impl FnMut(usize, Verdict) + Send,
    ) {
        let (now, started) = (self.environment.clock().now(), self.environment.clock().instant());
        let admitted = deliveries
            .iter()
            .map(|delivery| intake::admit(delivery, &self.consumer, now))
            .collect();
        let intake = intake::sort_out(self.claim_payloads(admitted, deliveries).await, &self.recent);
        let copies = copies_by_original(&intake);
        let lanes = lanes::of(deliveries, |place| self.aggregate_to_order(&intake[place]));
        let mut finished = stream::iter(lanes)
            .map(|lane| self.run_lane(lane, deliveries, &intake, deadline, started))
            .buffer_unordered(self.consumer.settings.concurrency.max(1));
        while let Some(lane) = finished.next().await {
            for (place, verdict) in lane {
                for copy in copies.get(&place).into_iter().flatten() {
                    let of_copy = verdict_on_copy(&verdict);
                    self.metrics.verdict(&of_copy);
                    tell(*copy, of_copy);
                }
                self.metrics.verdict(&verdict);
                tell(place, verdict);
            }
        }
    }

    /// Fetches the payloads of events that travelled with a claim check; the others cost nothing here.
    async fn claim_payloads(
        &self,
        mut admitted: Vec<Result<Event, Verdict>>,
        deliveries: &[Delivery],
    ) -> Vec<Result<Event, Verdict>> {
        let checked: Vec<(usize, Event)> = admitted
            .iter()
            .enumerate()
            .filter_map(|(place, event)| {
                event
                    .as_ref()
                    .ok()
                    .filter(|event| ClaimCheck::is_on(event))
                    .map(|event| (place, event.clone()))
            })
            .collect();
        let claims = checked
            .into_iter()
            .map(|(place, event)| async move { (place, self.claim(&event, &deliveries[place]).await) });
        let mut claimed = stream::iter(claims).buffer_unordered(CLAIMS_AT_ONCE);
        while let Some((place, event)) = claimed.next().await {
            admitted[place] = event;
        }
        admitted
    }

    async fn claim(&self, event: &Event, delivery: &Delivery) -> Result<Event, Verdict> {
        let Some(store) = &self.payload_store else {
            let error = "the event carries a claim check, and no bucket to claim from is configured";
            return Err(Verdict::park(ParkReason::PayloadUnavailable, error));
        };
        ClaimCheck::claim(event, &**store).await.map_err(|error| match error {
            ClaimError::Store(StoreError::Transient(_)) => {
                let verdict = self.come_back(delivery, RetryReason::PayloadUnavailable, error);
                self.give_up_if_exhausted(verdict, delivery)
            }
            _ => Verdict::park(ParkReason::PayloadUnavailable, error),
        })
    }

    /// The aggregate and the sequence of an event for a view that had better see its events in order.
    fn aggregate_to_order(&self, intake: &Intake) -> Option<(String, u64)> {
        let Intake::Work(work) = intake else { return None };
        let by_sequence = self.consumer.handlers.get(work.event.event_type())?.by_sequence;
        let sequence = work.event.metadata().sequence?;
        by_sequence.then(|| (work.event.aggregate().to_string(), sequence))
    }

    /// One after the other; after one that has to come back, the rest waits for it.
    async fn run_lane(
        &self,
        lane: lanes::Lane,
        deliveries: &[Delivery],
        intake: &[Intake],
        deadline: Deadline,
        batch_started: Instant,
    ) -> Vec<(usize, Verdict)> {
        let mut verdicts = Vec::with_capacity(lane.len());
        let mut held_back: Option<Duration> = None;
        for place in lane {
            let verdict = match (&intake[place], held_back) {
                (Intake::CopyOf(_), _) => continue,
                (Intake::Decided(verdict), None) => verdict.clone(),
                (Intake::Work(work), None) => {
                    let waited = self
                        .environment
                        .clock()
                        .instant()
                        .saturating_duration_since(batch_started);
                    self.metrics.lane_wait(waited);
                    self.run_one(work, &deliveries[place], deadline).await
                }
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
    fn again(&self, committed: Committed, reruns: &mut u32, delivery: &Delivery) -> Option<Verdict> {
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

    fn failed(&self, delivery: &Delivery, failure: Failure) -> Verdict {
        match failure {
            Failure::Reject(why) => Verdict::park(ParkReason::Rejected, why),
            Failure::Invalid(error) => Verdict::park(intake::park_reason(error.kind()), error),
            Failure::Transient(error) => self.come_back(delivery, RetryReason::HandlerFailed, with_sources(&*error)),
        }
    }

    async fn land_commit(&self, work: &Work, delivery: &Delivery, commit: Commit, deadline: Deadline) -> Committed {
        let handled = Handled {
            id: work.event.id(),
            event_type: work.event.event_type(),
            fingerprint: work.fingerprint,
            message_id: &delivery.message_id,
        };
        let record = self
            .ledger
            .record(&self.consumer.name, &handled, self.environment.clock().now());
        self.land(work, delivery, record.into(), commit, deadline).await
    }

    /// The commit of a guarded call. While only its conditions fail, it is planned again; the call is not.
    async fn land_leased(&self, work: &Work, delivery: &Delivery, leased: Leased, deadline: Deadline) -> Verdict {
        let mut reruns = 0;
        let verdict = loop {
            let planned = AssertUnwindSafe((leased.plan)()).catch_unwind().await;
            let commit = match planned {
                Ok(Ok(commit)) => commit,
                Ok(Err(failure)) => break self.failed(delivery, failure),
                Err(panic) => {
                    break self.come_back(delivery, RetryReason::HandlerPanicked, panic_message(&*panic));
                }
            };
            let claim = self.leases.handled(&leased.lease, &delivery.message_id);
            let committed = self.land(work, delivery, claim.into(), commit, deadline).await;
            match self.again(committed, &mut reruns, delivery) {
                Some(verdict) => break verdict,
                None => self.metrics.rerun(),
            }
        };
        if !matches!(verdict, Verdict::Done | Verdict::Duplicate) {
            // The call happened; whoever comes next asks the probe, and need not wait for it.
            self.leases.lapse(&leased.lease).await;
        }
        verdict
    }

    /// One write, gated by the event's sequence; it needs no ledger row.
    async fn land_view(&self, work: &Work, delivery: &Delivery, view: View, deadline: Deadline) -> Verdict {
        let Some(sequence) = work.event.metadata().sequence else {
            let error = "a projection needs metadata.sequence; publish the event from the event store, or handle it \
                         with an atomic handler";
            return Verdict::park(ParkReason::MissingSequence, error);
        };
        let gate = view.gate;
        let write: crate::Write = view.gated(sequence).into();
        if let Err(fault) = transaction::check(std::slice::from_ref(&write)) {
            return Verdict::park(ParkReason::InvalidCommit, fault);
        }
        match self
            .commit_in_time(
                Unit {
                    writes: vec![write],
                    alone: true,
                },
                deadline,
            )
            .await
        {
            Outcome::Landed => Verdict::Done,
            Outcome::Claimed(found) => match (gate, found.as_ref().and_then(View::seen_by)) {
                (Gate::Newer, _) => Verdict::Duplicate,
                (Gate::Next, Some(seen)) if seen >= sequence => Verdict::Duplicate,
                (Gate::Next, seen) => {
                    let error = format!("sequence {sequence} came, the view has seen {}", seen.unwrap_or(0));
                    self.come_back(delivery, RetryReason::SequenceGap, error)
                }
            },
            Outcome::ConditionFailed(error) | Outcome::Refused(error) => {
                self.come_back(delivery, RetryReason::CommitRefused, error)
            }
            Outcome::Transient(error) => self.come_back(delivery, RetryReason::DatabaseUnavailable, error),
        }
    }

    /// Lands a commit with its claim, the write without which nothing of it may land.
    async fn land(
        &self,
        work: &Work,
        delivery: &Delivery,
        claim: crate::Write,
        commit: Commit,
        deadline: Deadline,
    ) -> Committed {
        let (own_writes, appends) = commit.into_parts();
        let mut writes = Vec::with_capacity(own_writes.len() + 1);
        writes.push(claim);
        writes.extend(own_writes);
        match self.puts_of(appends, &work.event) {
            Ok(puts) => writes.extend(puts.into_iter().map(crate::Write::from)),
            Err(why) => return Committed::Verdict(Verdict::park(ParkReason::InvalidCommit, why)),
        }
        if let Err(fault) = transaction::check(&writes) {
            return Committed::Verdict(Verdict::park(ParkReason::InvalidCommit, fault));
        }
        self.send(work, delivery, writes, deadline).await
    }

    fn puts_of(&self, appends: Vec<Append>, cause: &Event) -> Result<Vec<Put>, String> {
        match &self.event_log {
            _ if appends.is_empty() => Ok(Vec::new()),
            None => Err("the commit appends events, and the engine has no event log".to_owned()),
            Some(log) => log
                .puts(appends, cause, &self.environment)
                .map_err(|error| error.to_string()),
        }
    }

    async fn send(&self, work: &Work, delivery: &Delivery, writes: Vec<crate::Write>, deadline: Deadline) -> Committed {
        let settings = &self.consumer.settings;
        let mut failures = 0;
        loop {
            // What comes a second time may have landed the first time; it shall not spoil what others share.
            let alone = delivery.receive_count > 1 || failures > 0;
            let verdict = match self
                .commit_in_time(
                    Unit {
                        writes: writes.clone(),
                        alone,
                    },
                    deadline,
                )
                .await
            {
                Outcome::Landed => self.remember(work, Verdict::Done),
                Outcome::Claimed(found) => self.remember(work, self.judge_claimed(work, delivery, found.as_ref())),
                Outcome::ConditionFailed(error) => return Committed::ConditionFailed(error),
                Outcome::Refused(error) => self.come_back(delivery, RetryReason::CommitRefused, error),
                Outcome::Transient(error) => {
                    failures += 1;
                    let wait = settings.commit_backoff.after(failures, self.environment.random());
                    let in_time = deadline.remaining(self.environment.clock()) > wait + TIME_TO_SETTLE;
                    if failures < settings.commit_attempts_max && in_time {
                        self.environment.clock().sleep(wait).await;
                        continue;
                    }
                    self.come_back(delivery, RetryReason::DatabaseUnavailable, error)
                }
            };
            return Committed::Verdict(verdict);
        }
    }

    /// A commit whose answer does not come in time counts as one that may have landed: the ledger tells when the
    /// message comes back, and the batch still gets its verdicts.
    async fn commit_in_time(&self, unit: Unit, deadline: Deadline) -> Outcome {
        let clock = self.environment.clock();
        let limit = deadline.remaining(clock).saturating_sub(TIME_TO_SETTLE);
        if limit > NO_HURRY {
            return self.committer.commit(unit).await;
        }
        match select(std::pin::pin!(self.committer.commit(unit)), clock.sleep(limit)).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(_) => Outcome::Transient("no answer before the invocation ended".to_owned()),
        }
    }

    /// The ledger says: handled before, be it the same event or another one under its id; or in somebody's hands.
    fn judge_claimed(&self, work: &Work, delivery: &Delivery, found: Option<&Item>) -> Verdict {
        let Some(found) = found.filter(|found| Ledger::is_handled(found)) else {
            return self.come_back(
                delivery,
                RetryReason::LeaseLost,
                "another delivery holds the lease on the message",
            );
        };
        let recorded = Ledger::fingerprint_in(found);
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
                if delivery.receive_count >= self.consumer.settings.deliveries_max && reason.exhausted().is_some() =>
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

fn copies_by_original(intake: &[Intake]) -> HashMap<usize, Vec<usize>> {
    let mut copies: HashMap<usize, Vec<usize>> = HashMap::new();
    for (place, intake) in intake.iter().enumerate() {
        if let Intake::CopyOf(original) = intake {
            copies.entry(*original).or_default().push(place);
        }
    }
    copies
}

/// A copy shares the end of its original: parked once, handled once; but both come back.
fn verdict_on_copy(original: &Verdict) -> Verdict {
    match original {
        retry @ Verdict::Retry { .. } => retry.clone(),
        _ => Verdict::Duplicate,
    }
}

fn not_started(why: &str) -> Verdict {
    Verdict::retry(Duration::ZERO, RetryReason::NotStarted, why)
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
