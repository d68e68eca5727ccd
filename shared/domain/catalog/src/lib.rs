//! Catalog: the commands that reserve inventory, and what becomes of them.

use onecommit_domain_kernel::Currency;
use onecommit_event::Payload;
use serde::{Deserialize, Serialize};

macro_rules! payload {
    ($($name:ident),*) => {$(
        impl Payload for $name {
            const EVENT_TYPE: &'static str = stringify!($name);
        }
    )*};
}

payload!(
    ReserveInventory,
    InventoryReserved,
    InventoryRefused,
    ReleaseInventory,
    InventoryReleased,
    InventoryConfirmed
);

/// Hold goods for an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReserveInventory {
    /// The order.
    pub order_id: String,
    /// What to hold.
    pub items: Vec<WantedItem>,
    /// The currency of the prices.
    pub currency: Currency,
}

/// So many of one product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WantedItem {
    /// The product.
    pub sku: String,
    /// How many.
    pub quantity: u32,
    /// The price that the customer was told.
    pub unit_price_minor: i64,
}

/// The goods are held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InventoryReserved {
    /// The order.
    pub order_id: String,
    /// Until when.
    pub expires_at: String,
}

/// The goods are not held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InventoryRefused {
    /// The order.
    pub order_id: String,
    /// Why.
    pub reason: RefusalReason,
    /// Because of which product.
    pub sku: String,
}

/// Why goods are not held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RefusalReason {
    /// There are not enough.
    OutOfStock,
    /// There is no such product.
    UnknownProduct,
    /// It costs something else now.
    PriceChanged,
}

/// Hold goods no longer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseInventory {
    /// The order.
    pub order_id: String,
}

/// The goods are held no longer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InventoryReleased {
    /// The order.
    pub order_id: String,
    /// Whether the hold ran out.
    #[serde(default)]
    pub expired: bool,
}

/// The goods belong to the order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InventoryConfirmed {
    /// The order.
    pub order_id: String,
}
