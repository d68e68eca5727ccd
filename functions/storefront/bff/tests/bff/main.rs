//! What the front door promises, with the contexts' APIs played by a router.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

mod browser;
mod dashboard;
mod health;
mod inventory;
mod kit;
mod orders;
mod pages;
mod real_orders;
mod sessions;
mod updates;
