use onecommit_event::Payload;
use serde::{Deserialize, Serialize};

/// Stock is held for an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InventoryReserved {
    /// The order.
    pub order_id: String,
    /// When the hold ends unless the order is confirmed, RFC 3339.
    pub expires_at: String,
}

/// No stock is held for an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InventoryRefused {
    /// The order.
    pub order_id: String,
    /// Why.
    pub reason: RefusalReason,
    /// The product it is because of; absent when it is because of none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
}

/// Why no stock is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RefusalReason {
    /// There is not enough of the product.
    OutOfStock,
    /// There is no such product.
    UnknownProduct,
    /// The product has another price, or one in another currency.
    PriceChanged,
    /// There are no items, too many, or a quantity that nobody can order.
    InvalidItems,
    /// The order gave its reservation back before, or it expired.
    Released,
}

/// What was held for an order is available again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InventoryReleased {
    /// The order.
    pub order_id: String,
    /// Whether nobody asked for it, but its time was over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expired: bool,
}

/// Answer: the reservation was already where a command wanted it, so no stock moved. What happened to the stock is told
/// once, to everybody; this only concerns who asked again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InventoryUnchanged {
    /// The order.
    pub order_id: String,
}

/// What was held for an order is the customer's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InventoryConfirmed {
    /// The order.
    pub order_id: String,
}

impl Payload for InventoryReserved {
    const EVENT_TYPE: &'static str = "InventoryReserved";
}

impl Payload for InventoryRefused {
    const EVENT_TYPE: &'static str = "InventoryRefused";
}

impl Payload for InventoryReleased {
    const EVENT_TYPE: &'static str = "InventoryReleased";
}

impl Payload for InventoryUnchanged {
    const EVENT_TYPE: &'static str = "InventoryUnchanged";
}

impl Payload for InventoryConfirmed {
    const EVENT_TYPE: &'static str = "InventoryConfirmed";
}
