//! What the context says to others, and what it is asked: commands, events, replies.

mod commands;
mod events;
mod others;

pub use commands::{ReleaseInventory, ReserveInventory, ReservedItem};
pub use events::{
    InventoryConfirmed, InventoryRefused, InventoryReleased, InventoryReserved, InventoryUnchanged, RefusalReason,
};
pub use others::OrderConfirmed;
