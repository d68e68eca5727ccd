use onecommit_event::Payload;
use serde::{Deserialize, Serialize};
use storefront_money::Currency;

/// Hold stock for an order, all of it or none. Answered by `InventoryReserved` or `InventoryRefused`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReserveInventory {
    /// The order. One order has one reservation, however often it is asked for.
    pub order_id: String,
    /// What it holds.
    pub items: Vec<ReservedItem>,
    /// What its prices are in.
    pub currency: Currency,
}

/// So many of one product, at the price the customer was shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReservedItem {
    /// The product.
    pub sku: String,
    /// How many.
    pub quantity: u32,
    /// The price of one, in the smallest unit of the command's currency.
    pub unit_price_minor: i64,
}

/// Give back what an order holds. Answered by `InventoryReleased`, also when it held nothing; after it, nothing is held for
/// the order any more, not even by a `ReserveInventory` that was overtaken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseInventory {
    /// The order.
    pub order_id: String,
}

impl Payload for ReserveInventory {
    const EVENT_TYPE: &'static str = "ReserveInventory";
}

impl Payload for ReleaseInventory {
    const EVENT_TYPE: &'static str = "ReleaseInventory";
}
