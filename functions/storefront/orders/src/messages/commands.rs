//! What the order's saga and this context say to each other. None of it belongs to the order's own stream, which holds
//! only what happened to the order: requests and answers are in a stream of their own, `OrderRequest#<orderId>`.

use onecommit_event::Payload;
use serde::{Deserialize, Serialize};
use storefront_money::Money;

use crate::Line;
use crate::OrderStatus;

/// The `aggregateType` of requests for orders and of the answers to their commands; the aggregate's id is the order's.
pub const ORDER_REQUEST: &str = "OrderRequest";

macro_rules! payload {
    ($($name:ident),*) => {$(
        impl Payload for $name {
            const EVENT_TYPE: &'static str = stringify!($name);
        }
    )*};
}

payload!(
    OrderRequested,
    OrderCancellationRequested,
    CreateOrder,
    ConfirmOrder,
    CancelOrder,
    OrderRefused,
    OrderUnchanged
);

/// A customer wants to place an order. It starts the order's saga.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderRequested {
    /// Who wants it.
    pub customer_id: String,
    /// What is wanted, each product once.
    pub items: Vec<Line>,
    /// What it costs in all.
    pub total: Money,
    /// How the customer pays, as the payment provider calls it.
    pub payment_method: String,
}

/// The customer does not want the order any more. Its saga turns back, if the payment has not succeeded by then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderCancellationRequested {
    /// Which order.
    pub order_id: String,
    /// Why, in words for people.
    pub reason: String,
}

/// Command: place an order. Answered by `OrderCreated`, [`OrderUnchanged`] or [`OrderRefused`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateOrder {
    /// Which.
    pub order_id: String,
    /// Who places it.
    pub customer_id: String,
    /// What is ordered.
    pub items: Vec<Line>,
    /// What it costs in all.
    pub total: Money,
}

/// Command: goods are reserved and money is taken. Answered by `OrderConfirmed`, [`OrderUnchanged`] or
/// [`OrderRefused`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfirmOrder {
    /// Which.
    pub order_id: String,
}

/// Command: the order will not be fulfilled. Answered by `OrderCancelled`, [`OrderUnchanged`] or [`OrderRefused`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CancelOrder {
    /// Which.
    pub order_id: String,
    /// Why, in words for people.
    pub reason: String,
}

/// Answer: a command was not carried out, and will not be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderRefused {
    /// Which order.
    pub order_id: String,
    /// Why, in words for people.
    pub reason: String,
}

/// Answer: the order was already where a command wanted it, so nothing happened to it.
///
/// Whoever asks a second time, under another event id, gets an answer that names the new id as its cause; a second
/// `OrderConfirmed` would be a lie to everybody else who listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderUnchanged {
    /// Which order.
    pub order_id: String,
    /// Where it is.
    pub status: OrderStatus,
}
