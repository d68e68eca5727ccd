use onecommit_domain_kernel::Money;
use onecommit_event::Payload;
use serde::{Deserialize, Serialize};

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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// The product.
    pub sku: String,
    /// How many.
    pub quantity: u32,
    /// The price of one, in the smallest unit of the order's currency.
    pub unit_price_minor: i64,
}

impl Payload for OrderCreated {
    const EVENT_TYPE: &'static str = "OrderCreated";
}
