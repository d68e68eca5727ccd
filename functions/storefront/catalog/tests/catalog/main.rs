//! What the catalog promises, on tables in memory.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

mod api;
mod expiry;
mod kit;
mod reservations;
mod stock_is_kept;
