use std::time::Duration;

use futures_util::future::join;
use onecommit_environment::Environment;
use onecommit_event::Received;
use onecommit_mutants::{Mutant, is_on};
use tracing::{Span, error, info_span, warn};

use crate::delivery::Delivery;
use crate::engine::Engine;
use crate::queue::{ParkedMessage, Queue, QueueError};
use crate::verdict::Verdict;

/// What is left to say to the queue once a batch is settled.
#[derive(Debug, Default, PartialEq)]
pub struct Settlement {
    /// Places in the batch that are finished with: handled, absorbed, ignored or parked.
    pub finished: Vec<usize>,
    /// Places in the batch that come back: Lambda has to report them as failed, a worker must not delete them.
    pub failed: Vec<usize>,
}

impl Settlement {
    /// Carries out the verdicts: parks what is to be parked and delays what is to come back, side by side.
    ///
    /// A message that the dead-letter queue did not take comes back instead.
    pub async fn carry_out(engine: &Engine, queue: &dyn Queue, deliveries: &[Delivery], verdicts: &[Verdict]) -> Self {
        Self::carry_out_as(engine.name(), engine.environment(), queue, deliveries, verdicts).await
    }

    /// The same for verdicts that several engines came to together, in the name of `consumer`.
    pub async fn carry_out_as(
        consumer: &str,
        environment: &Environment,
        queue: &dyn Queue,
        deliveries: &[Delivery],
        verdicts: &[Verdict],
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
        let (parked_results, ()) = join(park(queue, &parked), delay(queue, &delays)).await;
        let mut not_parked: Vec<(&Delivery, Duration)> = Vec::new();
        for (place, result) in parking.into_iter().zip(parked_results) {
            match result {
                Parking::Parked => settlement.finished.push(place),
                Parking::ComesBack(_) if is_on(Mutant::ParkingFailureIsFinished) => settlement.finished.push(place),
                Parking::ComesBack(after) => {
                    settlement.failed.push(place);
                    not_parked.push((&deliveries[place], after));
                }
            }
        }
        delay(queue, &not_parked).await;
        settlement.finished.sort_unstable();
        settlement.failed.sort_unstable();
        settlement
    }
}

/// What became of a message that was to be parked.
enum Parking {
    Parked,
    ComesBack(Duration),
}

/// Before a message is tried to be parked again.
const UNTIL_NEXT_PARKING: Duration = Duration::from_secs(30);

async fn park(queue: &dyn Queue, parked: &[ParkedMessage<'_>]) -> Vec<Parking> {
    if parked.is_empty() {
        return Vec::new();
    }
    let results = queue.park(parked).await;
    let describe = |(message, result): (&ParkedMessage<'_>, Result<(), QueueError>)| {
        let (id, reason) = (&message.delivery.message_id, message.reason);
        let _entered = span_of(message.delivery).entered();
        match &result {
            Ok(()) => {
                warn!(message.id = id, reason = %reason, error = message.error, "parked");
                Parking::Parked
            }
            Err(problem) => {
                error!(
                    message.id = id, reason = %reason, error = message.error, problem = %problem,
                    "could not be parked; it comes back",
                );
                Parking::ComesBack(UNTIL_NEXT_PARKING)
            }
        }
    };
    parked.iter().zip(results).map(describe).collect()
}

async fn delay(queue: &dyn Queue, delays: &[(&Delivery, Duration)]) {
    if delays.is_empty() {
        return;
    }
    for ((delivery, _), result) in delays.iter().zip(queue.delay(delays).await) {
        if let Err(problem) = result {
            let id = &delivery.message_id;
            let _entered = span_of(delivery).entered();
            warn!(message.id = id, problem = %problem, "could not be delayed; it comes back when its visibility ends");
        }
    }
}

/// Carries the ids of the delivery's event, if it can be read, on every line within. Read again, since few get here.
fn span_of(delivery: &Delivery) -> Span {
    match Received::from_body(&delivery.body) {
        Ok(Received { event, .. }) => info_span!(
            "settling",
            event.id = %event.id(),
            event.r#type = event.event_type(),
            correlation.id = event.metadata().correlation_id,
            causation.id = event.metadata().causation_id,
        ),
        Err(_) => Span::none(),
    }
}
