//! An order as its owner sees it.

use serde::Serialize;

use crate::services::Order;

/// An order, and how far its saga has got.
#[derive(Debug, Serialize)]
pub(crate) struct Shown<'a> {
    #[serde(flatten)]
    order: &'a Order,
    saga: Saga,
}

/// What an order's status says of its saga. Which step is running is the orchestrator's own to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Saga {
    /// It may still turn back.
    Running,
    /// It is past its pivot: the money is taken, and the order will be fulfilled.
    Committed,
    /// It turned back, and all that it had done is undone: cancelling the order is the last of it.
    Compensated,
}

impl<'a> From<&'a Order> for Shown<'a> {
    fn from(order: &'a Order) -> Self {
        let saga = match order.status.as_str() {
            "confirmed" | "shipped" | "delivered" => Saga::Committed,
            "cancelled" | "refused" => Saga::Compensated,
            _ => Saga::Running,
        };
        Self { order, saga }
    }
}
