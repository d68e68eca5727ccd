//! What the outside catalog answers.

use serde::Deserialize;
use serde_json::value::RawValue;

/// `GET /products/{product_code}`.
#[derive(Deserialize)]
pub(super) struct OutsideProduct {
    pub(super) product_code: String,
    pub(super) display_name: String,
    pub(super) unit_price: UnitPrice,
    pub(super) inventory: Inventory,
}

#[derive(Deserialize)]
pub(super) struct UnitPrice {
    /// A decimal, as a text or a number: read from its text, so that nothing is lost on the way.
    pub(super) amount: Box<RawValue>,
    pub(super) currency: String,
}

#[derive(Deserialize)]
pub(super) struct Inventory {
    pub(super) status: String,
}
