//! What sagas promise, on tables in memory.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

mod calls;
mod cancelling;
mod definitions;
mod order;
mod outages;
mod people;
mod previous;
mod running;
mod shop;
mod storm;
mod time;
mod trouble;
