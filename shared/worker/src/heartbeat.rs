//! Keeps messages hidden from others while they are being handled.

use std::sync::Arc;

use futures_util::future::join_all;
use tracing::{debug, warn};

use crate::in_flight::Ticket;
use crate::shared::Shared;
use crate::source::{MESSAGES_MAX, Receipt, SourceError};

pub(crate) async fn run(shared: Arc<Shared>) {
    let beat = shared.beat();
    loop {
        shared.environment().clock().sleep(beat).await;
        // While it lasts, nobody gives a message back: an extension that arrives later would hide it again.
        let _turn = shared.visibility_turn.write().await;
        let (tickets, receipts) = shared
            .in_flight
            .hidden_for(beat, shared.environment().clock().instant());
        let tens = tickets.chunks(MESSAGES_MAX).zip(receipts.chunks(MESSAGES_MAX));
        join_all(tens.map(|(tickets, receipts)| extend(&shared, tickets, receipts))).await;
    }
}

async fn extend(shared: &Shared, tickets: &[Ticket], receipts: &[Receipt]) {
    let asked_at = shared.environment().clock().instant();
    let extending = shared.source.extend(receipts, shared.settings.visibility);
    let Some(results) = shared.in_time(extending, shared.request_time_max()).await else {
        warn!(
            count = receipts.len(),
            "visibility of messages could not be extended: the queue did not answer"
        );
        return;
    };
    for ((ticket, receipt), result) in tickets.iter().zip(receipts).zip(results) {
        let id = &receipt.message_id;
        match result {
            Ok(()) => {
                shared.counters.extended();
                shared.in_flight.hidden_again(*ticket, asked_at);
                debug!(message.id = id, "visibility of the message was extended");
            }
            Err(SourceError::Expired) => {
                shared.in_flight.hidden_again(*ticket, asked_at);
                warn!(
                    message.id = id,
                    "visibility of the message ended before it was handled; it may be handled twice at once"
                );
            }
            Err(problem) => {
                warn!(message.id = id, problem = %problem, "visibility of the message could not be extended")
            }
        }
    }
}
