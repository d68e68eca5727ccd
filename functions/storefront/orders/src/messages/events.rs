use std::collections::BTreeSet;

use onecommit_event::Payload;
use onecommit_event_store::domain_events;
use serde::{Deserialize, Serialize};
use storefront_money::Money;

/// A customer placed an order. The event's aggregate is the order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderCreated {
    /// Who placed it.
    pub customer_id: String,
    /// What was ordered.
    #[serde(default)]
    pub items: Vec<Line>,
    /// What it costs in all.
    pub total: Money,
}

/// So many of one product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Line {
    /// The product.
    pub sku: String,
    /// How many.
    pub quantity: u32,
    /// The price of one, in the smallest unit of the order's currency.
    pub unit_price_minor: i64,
}

impl OrderCreated {
    /// How many pieces were ordered.
    #[must_use]
    pub fn pieces(&self) -> u64 {
        self.items.iter().map(|line| u64::from(line.quantity)).sum()
    }

    /// The SKUs of what was ordered, each once, in the order of the lines.
    #[must_use]
    pub fn products(&self) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        let skus = self.items.iter().map(|line| line.sku.as_str());
        skus.filter(|sku| seen.insert(*sku)).collect()
    }
}

impl Payload for OrderCreated {
    const EVENT_TYPE: &'static str = "OrderCreated";
}

/// The order is certain: its goods are reserved and its money is taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderConfirmed {}

impl Payload for OrderConfirmed {
    const EVENT_TYPE: &'static str = "OrderConfirmed";
}

/// The order will not be fulfilled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderCancelled {
    /// Why, in words for people.
    pub reason: String,
}

impl Payload for OrderCancelled {
    const EVENT_TYPE: &'static str = "OrderCancelled";
}

/// The order is on its way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrderShipped {
    /// Who carries it.
    pub carrier: String,
    /// Under which number the carrier knows it.
    pub tracking_id: String,
}

impl Payload for OrderShipped {
    const EVENT_TYPE: &'static str = "OrderShipped";
}

/// The customer has the order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderDelivered {}

impl Payload for OrderDelivered {
    const EVENT_TYPE: &'static str = "OrderDelivered";
}

domain_events! {
    /// What happens to orders.
    pub enum OrderEvent {
        Created(OrderCreated),
        Confirmed(OrderConfirmed),
        Cancelled(OrderCancelled),
        Shipped(OrderShipped),
        Delivered(OrderDelivered),
    }
}
