//! Placing an order: what the person wants, at the prices that the catalog has now, once for each key.

mod key;
mod place;
mod wanted;

pub(crate) use key::IdempotencyKey;
pub(crate) use place::{Placed, place};
pub(crate) use wanted::{WantedItem, WantedOrder, is_sku};
