//! What a command of the saga comes to, as a pure function of the order.

use onecommit_event_store::Decider;

use crate::{Line, NewOrder, Order, OrderCommand, OrderEvent, OrderState, OrderStatus};

/// What a command comes to.
#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    /// This happens to the order, and answers the command.
    Happens(Vec<OrderEvent>),
    /// It was carried out before, or there is nothing to carry out.
    Unchanged,
    /// It is not carried out: why.
    Refused(String),
}

/// The saga asks again when an answer did not come in time, and its commands may overtake each other. So a command is
/// judged by what it wants: an order that is there already, is past its confirmation, or is not to be and is not, is as
/// it should be. For the rest the order itself decides.
pub(crate) fn answer(order: &OrderState, command: &OrderCommand) -> Answer {
    use OrderStatus::{Cancelled, Confirmed, Delivered, NotPlaced, Shipped};
    match (order.status, command) {
        (Confirmed | Shipped | Delivered, OrderCommand::Create(new)) if is_same(order, new) => Answer::Unchanged,
        (Shipped | Delivered, OrderCommand::Confirm) => Answer::Unchanged,
        // Whatever the reason was: one cancellation is enough.
        (NotPlaced | Cancelled, OrderCommand::Cancel(_)) => Answer::Unchanged,
        // The order would let it happen, and nobody would give the money back.
        (Confirmed, OrderCommand::Cancel(_)) => {
            Answer::Refused("the order is confirmed, so it is paid for; its saga does not turn back".to_owned())
        }
        _ => match Order::decide(order, command) {
            Ok(events) if events.is_empty() => Answer::Unchanged,
            Ok(events) => Answer::Happens(events),
            Err(rejection) => Answer::Refused(rejection.to_string()),
        },
    }
}

fn is_same(order: &OrderState, new: &NewOrder) -> bool {
    let lines = new.lines.iter().map(|line| Line {
        sku: line.sku.clone(),
        quantity: line.quantity,
        unit_price_minor: line.unit_price.minor_units(),
    });
    order.customer_id == new.customer_id && order.total == Some(new.total) && lines.eq(order.lines.iter().cloned())
}
