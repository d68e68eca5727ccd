//! What this context reads of the events of others: no more than it needs.

use onecommit_event::Payload;
use serde::{Deserialize, Serialize};

/// An order was confirmed. The event's aggregate is the order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OrderConfirmed {}

impl Payload for OrderConfirmed {
    const EVENT_TYPE: &'static str = "OrderConfirmed";
}
