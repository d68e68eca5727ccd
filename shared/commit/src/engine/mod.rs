//! The engine: what is told from a batch without a request, which messages wait for which, and the verdict on each.

mod claims;
mod landing;
mod running;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use onecommit_claim_check::PayloadStore;
use onecommit_environment::Environment;
use onecommit_mutants::{Mutant, is_on};

use crate::committer::Committer;
use crate::consumer::{Consumer, Settings};
use crate::database::Database;
use crate::deadline::{Deadline, TimeNeeded};
use crate::delivery::Delivery;
use crate::event_log::EventLog;
use crate::intake::{self, Intake};
use crate::lanes;
use crate::lease::Leases;
use crate::ledger::Ledger;
use crate::metrics::Metrics;
use crate::recent::Recent;
use crate::verdict::{RetryReason, Verdict};

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
            if let Verdict::Retry { after, .. } = verdict
                && !is_on(Mutant::LaneGoesOn)
            {
                held_back = Some(after);
            }
            verdicts.push((place, verdict));
        }
        verdicts
    }
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
