//! The orders context: what customers, the order's saga and fulfilment ask of orders.
//!
//! It owns two streams per order. `Order#<orderId>` holds what happened to the order and nothing else.
//! `OrderRequest#<orderId>` holds the customer's request, which starts the saga, and those answers to commands that are
//! no fact about the order: that a command was refused, or that it changed nothing because it had been carried out
//! before. There is no table of its own: the order is folded from its stream. Questions about many orders are answered
//! from views of their events.

mod domain;
mod messages;
#[cfg(feature = "service")]
mod service;
#[cfg(feature = "views")]
pub mod views;

pub use crate::domain::*;
pub use crate::messages::*;
#[cfg(feature = "service")]
pub use crate::service::*;
