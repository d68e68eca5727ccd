//! Catalog: what is for sale, how much of it there is, and what orders hold of it.
//!
//! ```text
//! ReserveInventory ── one transaction: each product's row, if it has enough at that price; reservation; reply; ledger
//! ReleaseInventory ── row ─ one transaction: each product's row; reservation; reply; ledger
//! OrderConfirmed ──── row ─ one transaction: each product's row; reservation; InventoryConfirmed; ledger
//! expireReservations ─ index ─ for each: row ─ one transaction: each product's row; reservation; InventoryReleased
//! ```
//!
//! A product's row holds its stock, and every write to it carries the condition that no number becomes negative. So the
//! sum over all orders is right without anybody adding it up: an order that wants more than there is finds its condition
//! failed, whoever else is at it.
//!
//! A reservation is first tried without any read: that it is new and that its products have enough are conditions of
//! the transaction. Only when one of them fails is it read what there is, and the order is told what is missing.

mod domain;
#[cfg(feature = "grpc")]
mod grpc;
mod messages;
#[cfg(feature = "outside")]
mod outside;
#[cfg(feature = "service")]
mod service;

pub use crate::domain::*;
#[cfg(feature = "grpc")]
pub use crate::grpc::*;
pub use crate::messages::*;
#[cfg(feature = "outside")]
pub use crate::outside::*;
#[cfg(feature = "service")]
pub use crate::service::*;
