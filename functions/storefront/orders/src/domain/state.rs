use std::fmt;

use onecommit_event_store::{SnapshotPolicy, Snapshots};
use serde::{Deserialize, Serialize};
use storefront_money::Money;

use crate::{Line, OrderShipped};

/// What is known of an order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderState {
    /// Where it is.
    pub status: OrderStatus,
    /// Who placed it; empty as long as nobody has.
    pub customer_id: String,
    /// What was ordered.
    pub lines: Vec<Line>,
    /// What it costs in all; `None` as long as nobody has placed it.
    pub total: Option<Money>,
    /// Why it was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancellation_reason: Option<String>,
    /// How it travels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipment: Option<OrderShipped>,
}

/// Where an order is on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OrderStatus {
    /// Nobody has placed it.
    #[default]
    NotPlaced,
    /// Placed, and not yet certain.
    Created,
    /// Goods are reserved, money is taken.
    Confirmed,
    /// It will not be fulfilled.
    Cancelled,
    /// On its way.
    Shipped,
    /// With the customer.
    Delivered,
}

impl Snapshots for OrderState {
    // An order has a handful of events: reading them costs less than a snapshot.
    const POLICY: SnapshotPolicy = SnapshotPolicy {
        every_events: 100,
        state_schema: 1,
    };
}

impl fmt::Display for OrderStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotPlaced => "not placed",
            Self::Created => "created",
            Self::Confirmed => "confirmed",
            Self::Cancelled => "cancelled",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
        })
    }
}
