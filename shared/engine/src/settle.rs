use std::time::Duration;

use futures_util::future::{Either, join, select};
use onecommit_environment::{Backoff, Environment};
use onecommit_event::{Received, shown_name};
use tracing::{Span, error, info_span, warn};

use crate::deadline::Deadline;
use crate::delivery::Delivery;
use crate::engine::Engine;
use crate::queue::{ParkedMessage, Queue, QueueError};
use crate::redelivery;
use crate::verdict::Verdict;

/// Which deliveries of a settled batch are finished, and which must be redelivered.
#[derive(Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Settlement {
    /// Places in the batch that are finished with: handled, absorbed, ignored or parked.
    pub finished: Vec<usize>,
    /// Places in the batch that are redelivered: Lambda has to report them as failed, a worker must not delete them.
    pub failed: Vec<usize>,
    /// How many of those were to be parked, and the dead-letter queue did not take them.
    pub not_parked: u64,
}

impl Settlement {
    /// Carries out the verdicts: parks what is to be parked and delays what is to be redelivered, side by side, and waits for
    /// the queue no longer than until just before the deadline.
    ///
    /// A message that the dead-letter queue did not take is redelivered instead, however often that takes: it is neither
    /// lost nor overtaken by those behind it in its group.
    pub async fn carry_out(
        engine: &Engine,
        queue: &dyn Queue,
        deliveries: &[Delivery],
        verdicts: &[Verdict],
        deadline: Deadline,
    ) -> Self {
        let (name, environment) = (engine.name(), engine.environment());
        let settlement = Self::carry_out_as(name, environment, queue, deliveries, verdicts, deadline).await;
        engine.metrics().not_parked(settlement.not_parked);
        settlement
    }

    /// The same for verdicts that several engines came to together, in the name of `consumer`.
    pub async fn carry_out_as(
        consumer: &str,
        environment: &Environment,
        queue: &dyn Queue,
        deliveries: &[Delivery],
        verdicts: &[Verdict],
        deadline: Deadline,
    ) -> Self {
        let parked_at = environment.clock().now().to_string();
        let mut settlement = Self::default();
        let (mut parking, mut parked) = (Vec::new(), Vec::new());
        let mut delays: Vec<(&Delivery, Duration)> = Vec::new();
        for (place, (delivery, verdict)) in deliveries.iter().zip(verdicts).enumerate() {
            match verdict {
                Verdict::Done | Verdict::Duplicate | Verdict::Ignored => settlement.finished.push(place),
                Verdict::Retry { after, .. } => {
                    settlement.failed.push(place);
                    delays.push((delivery, *after));
                }
                Verdict::Park { reason, error } => {
                    let parked_at = parked_at.clone();
                    parking.push(place);
                    parked.push(ParkedMessage {
                        delivery,
                        reason: *reason,
                        error,
                        consumer,
                        parked_at,
                    });
                }
            }
        }
        let desk = Desk {
            queue,
            environment,
            deadline,
        };
        let (parked_results, ()) = join(desk.park(&parked), desk.delay(&delays)).await;
        let mut not_parked: Vec<(&Delivery, Duration)> = Vec::new();
        for (place, parked) in parking.into_iter().zip(parked_results) {
            if parked {
                settlement.finished.push(place);
                continue;
            }
            let after = redelivery::after_outage(UNTIL_NEXT_PARKING, &deliveries[place], environment);
            settlement.failed.push(place);
            settlement.not_parked += 1;
            not_parked.push((&deliveries[place], after));
        }
        desk.delay(&not_parked).await;
        settlement.finished.sort_unstable();
        settlement.failed.sort_unstable();
        settlement
    }
}

/// Before a message is tried to be parked again.
const UNTIL_NEXT_PARKING: Backoff = Backoff {
    first: Duration::from_secs(2),
    longest: Duration::from_secs(900),
};

/// Where messages are settled, for as long as there is time.
struct Desk<'a> {
    queue: &'a dyn Queue,
    environment: &'a Environment,
    deadline: Deadline,
}

impl Desk<'_> {
    /// Which of the messages are parked.
    async fn park(&self, parked: &[ParkedMessage<'_>]) -> Vec<bool> {
        if parked.is_empty() {
            return Vec::new();
        }
        let answered = self.in_time(self.queue.park(parked)).await;
        let results = answered.unwrap_or_else(|| no_answers(parked.len()));
        let is_parked = |(message, result): (&ParkedMessage<'_>, Result<(), QueueError>)| {
            let (id, reason) = (&message.delivery.message_id, message.reason);
            let _entered = span_of(message.delivery).entered();
            match &result {
                Ok(()) => warn!(message.id = id, reason = %reason, error = message.error, "message was parked"),
                Err(problem) => error!(
                    message.id = id, reason = %reason, error = message.error, problem = %problem,
                    "message could not be parked and will be redelivered",
                ),
            }
            result.is_ok()
        };
        parked.iter().zip(results).map(is_parked).collect()
    }

    async fn delay(&self, delays: &[(&Delivery, Duration)]) {
        if delays.is_empty() {
            return;
        }
        let answered = self.in_time(self.queue.delay(delays)).await;
        let results = answered.unwrap_or_else(|| no_answers(delays.len()));
        for ((delivery, _), result) in delays.iter().zip(results) {
            if let Err(problem) = result {
                let id = &delivery.message_id;
                let _entered = span_of(delivery).entered();
                warn!(
                    message.id = id, problem = %problem,
                    "message could not be delayed and will be redelivered when its visibility timeout ends",
                );
            }
        }
    }

    async fn in_time<T>(&self, requests: impl Future<Output = T>) -> Option<T> {
        let clock = self.environment.clock();
        match select(std::pin::pin!(requests), clock.sleep(self.deadline.for_settling(clock))).await {
            Either::Left((answer, _)) => Some(answer),
            Either::Right(_) => None,
        }
    }
}

fn no_answers(count: usize) -> Vec<Result<(), QueueError>> {
    let error = || Err(QueueError::Transient("no answer in time".into()));
    (0..count).map(|_| error()).collect()
}

/// Carries the ids of the delivery's event, if it can be read, on every line within. Read again, since few get here.
fn span_of(delivery: &Delivery) -> Span {
    match Received::from_body(&delivery.body) {
        Ok(Received { event, .. }) => info_span!(
            "settling",
            event.id = %event.id(),
            event.r#type = shown_name(event.event_type()),
            correlation.id = shown_name(&event.metadata().correlation_id),
            causation.id = shown_name(&event.metadata().causation_id),
        ),
        Err(_) => Span::none(),
    }
}
