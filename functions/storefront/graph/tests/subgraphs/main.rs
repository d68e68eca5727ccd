//! The subgraphs on tables in memory, and the gateway in front of them.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

mod batches;
mod gateway;
mod kit;
mod owners;
mod schemas;
