//! Decides a verdict for each delivery of a batch: admission without I/O, ordering by lane, handling.

mod claims;
mod embedding;
mod landing;
mod panics;
mod reruns;
mod running;
mod traces;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use onecommit_environment::Environment;
use onecommit_event::Event;
use onecommit_event::claim_check::PayloadStore;

use self::claims::ClaimRoom;
use crate::admission;
use crate::committer::Committer;
use crate::consumer::{Consumer, RecordedIn, Settings};
use crate::deadline::{Deadline, TimeNeeded};
use crate::delivery::Delivery;
use crate::embedded::spilled::SpilledRows;
use crate::event_log::EventLog;
use crate::failures::Failures;
use crate::lanes::{self, Lane, Order, Place};
use crate::lease::Leases;
use crate::ledger::Ledger;
use crate::metrics::Metrics;
use crate::outage::Outages;
use crate::seen_events::Recent;
use crate::table_writer::TableWriter;
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
    spilled: SpilledRows,
    failures: Failures,
    outages: Outages,
    claims: ClaimRoom,
    needed: TimeNeeded,
    stopping: AtomicBool,
    payload_store: Option<Arc<dyn PayloadStore>>,
    event_log: Option<EventLog>,
}

/// What the messages of one batch share.
struct Batch {
    deadline: Deadline,
    started: Instant,
    /// Whether one of them has been started.
    has_started: AtomicBool,
}

impl Engine {
    /// An engine for `consumer`, which commits to `database` and keeps its ledger there.
    #[must_use]
    pub fn new(consumer: Consumer, database: Arc<dyn TableWriter>, ledger: Ledger, environment: Environment) -> Self {
        let metrics = Arc::new(Metrics::default());
        let committer = Committer::new(
            Arc::clone(&database),
            environment.clone(),
            Arc::clone(&metrics),
            &consumer.settings,
        );
        let failures = Failures::new(
            &consumer.name,
            ledger.clone(),
            Arc::clone(&database),
            environment.clone(),
            Arc::clone(&metrics),
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
        let claims = ClaimRoom::of_bytes(consumer.settings.claimed_bytes_max);
        Self {
            consumer,
            ledger,
            environment,
            metrics,
            committer,
            leases,
            recent,
            spilled: SpilledRows::default(),
            failures,
            outages: Outages::default(),
            claims,
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

    /// Fetches the payloads of events with a claim check from this store.
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

    /// The counters.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Stops starting messages: those that are not started are redelivered at once. For a process that shuts down.
    pub fn stop_starting(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Handles a batch and returns a verdict for each delivery, in order.
    ///
    /// No delivery fails another. Those that are not started in time, fail, or come after a failed one in their FIFO
    /// group, are [`Verdict::Retry`]; none is ever left without a verdict.
    pub async fn handle(&self, deliveries: &[Delivery], deadline: Deadline) -> Vec<Verdict> {
        let mut verdicts = vec![not_started("the message was not started"); deliveries.len()];
        self.handle_each(deliveries, deadline, |place, verdict| verdicts[place] = verdict)
            .await;
        verdicts
    }

    /// Handles a batch like [`handle`](Self::handle), and reports the verdict on each delivery, by its place in the
    /// batch, as soon as it is known: a finished one need not wait for the slowest. Those of one ordered lane are
    /// reported together.
    pub async fn handle_each(
        &self,
        deliveries: &[Delivery],
        deadline: Deadline,
        mut tell: impl FnMut(usize, Verdict) + Send,
    ) {
        let clock = self.environment.clock();
        let (now, started) = (clock.now(), clock.instant());
        let batch = Batch {
            deadline,
            started,
            has_started: AtomicBool::new(false),
        };
        let admitted: Vec<Result<Event, Verdict>> = deliveries
            .iter()
            .map(|delivery| admission::admit(delivery, &self.consumer, &self.ledger, now))
            .collect();
        let lanes = lanes::of(deliveries, |place| self.place_of(&admitted[place]));
        let mut finished = stream::iter(lanes)
            .map(|lane| self.run_lane(lane, deliveries, &admitted, &batch))
            .buffer_unordered(self.consumer.settings.concurrency.max(1));
        while let Some(lane) = finished.next().await {
            for (place, verdict) in lane {
                self.metrics.verdict(&verdict);
                tell(place, verdict);
            }
        }
        self.needed.batch_ended();
    }

    fn place_of<'a>(&self, admitted: &'a Result<Event, Verdict>) -> Option<Place<'a>> {
        let event = admitted.as_ref().ok()?;
        let handler = self.consumer.handlers.get(event.event_type())?;
        let by_sequence = handler.recorded_in == RecordedIn::Sequence;
        Some(Place { event, by_sequence })
    }

    /// One after the other; after one that holds back those behind it, the rest waits.
    async fn run_lane(
        &self,
        lane: Lane,
        deliveries: &[Delivery],
        admitted: &[Result<Event, Verdict>],
        batch: &Batch,
    ) -> Vec<(usize, Verdict)> {
        let mut verdicts = Vec::with_capacity(lane.places.len());
        let mut held_back: Option<Duration> = None;
        for place in lane.places {
            let verdict = match (&admitted[place], held_back) {
                (_, Some(after)) => Verdict::retry(
                    after,
                    RetryReason::HeldBack,
                    "an earlier message of its lane has to be handled first",
                ),
                (Err(verdict), None) => verdict.clone(),
                (Ok(event), None) => {
                    let now = self.environment.clock().instant();
                    self.metrics.lane_wait(now.saturating_duration_since(batch.started));
                    self.run_one(event, &deliveries[place], batch).await
                }
            };
            held_back = held_back.or_else(|| holds_back(lane.order, &verdict));
            verdicts.push((place, verdict));
        }
        verdicts
    }
}

/// For how long those behind a message wait, if they do.
///
/// In a group, they wait also for one that is to be parked: if the dead-letter queue does not take it, it is redelivered,
/// and may be handled then.
fn holds_back(order: Order, verdict: &Verdict) -> Option<Duration> {
    match (order, verdict) {
        (Order::Group | Order::Aggregate, Verdict::Retry { after, .. }) => Some(*after),
        (Order::Group, Verdict::Park { .. }) => Some(Duration::ZERO),
        _ => None,
    }
}

fn not_started(why: &str) -> Verdict {
    Verdict::retry(Duration::ZERO, RetryReason::NotStarted, why)
}
