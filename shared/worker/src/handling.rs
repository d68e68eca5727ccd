//! One received batch on its way through the engine.

use std::sync::Arc;

use onecommit_engine::{Deadline, Delivery, Verdict};
use tokio::sync::mpsc::UnboundedSender;

use crate::in_flight::Ticket;
use crate::room::Places;
use crate::shared::Shared;

/// A message on which the engine has spoken.
#[derive(Debug)]
pub(crate) struct Handled {
    pub(crate) ticket: Ticket,
    pub(crate) delivery: Delivery,
    pub(crate) verdict: Verdict,
}

/// The messages of one receive. Dropped half-way, it gives up those without a verdict: they come back when their
/// visibility ends.
pub(crate) struct Batch {
    shared: Arc<Shared>,
    deliveries: Vec<Delivery>,
    tickets: Vec<Option<Ticket>>,
}

impl Batch {
    /// Takes the messages in; places that are left over are free again.
    pub(crate) fn take_in(shared: &Arc<Shared>, deliveries: Vec<Delivery>, mut places: Places) -> Self {
        let now = shared.environment().clock().instant();
        let tickets = deliveries
            .iter()
            .map(|delivery| Some(shared.in_flight.add(delivery, places.next(), now)));
        Self {
            shared: Arc::clone(shared),
            tickets: tickets.collect(),
            deliveries,
        }
    }

    /// Has the engine handle them, and passes each on as soon as it has a verdict.
    pub(crate) async fn handle(mut self, handled: UnboundedSender<Handled>) {
        let (shared, deliveries, tickets) = (Arc::clone(&self.shared), &self.deliveries, &mut self.tickets);
        let tell = |place: usize, verdict: Verdict| {
            if let Some(ticket) = tickets.get_mut(place).and_then(Option::take) {
                shared.in_flight.settle(ticket);
                let delivery = as_far_as_needed(&deliveries[place], &verdict);
                // Nobody listens any more when the drain took too long; then all was given back already.
                let _ = handled.send(Handled {
                    ticket,
                    delivery,
                    verdict,
                });
            }
        };
        // The end of this process is no deadline for what has been started: the drain waits for it.
        shared.engine.handle_each(deliveries, Deadline::none(), tell).await;
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.tickets
            .drain(..)
            .flatten()
            .for_each(|ticket| self.shared.in_flight.release(ticket));
    }
}

/// Nothing but its ids is needed of a message that is finished with.
fn as_far_as_needed(delivery: &Delivery, verdict: &Verdict) -> Delivery {
    match verdict {
        Verdict::Park { .. } | Verdict::Retry { .. } => delivery.clone(),
        Verdict::Done | Verdict::Duplicate | Verdict::Ignored => Delivery {
            message_id: delivery.message_id.clone(),
            receipt: delivery.receipt.clone(),
            ..Delivery::default()
        },
    }
}
