//! What the orders context promises to customers, to the saga and to fulfilment, on tables in memory.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

mod api;
mod commands;
mod context;
mod lists;
mod versions;
