//! The whole storefront on tables in memory: the orchestrator, the contexts with their real handlers, and between them a
//! network that a test holds in its hands.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

mod diagram;
mod granted;
mod invariants;
mod network;
mod schedules;
mod simulated;
mod storefront;
mod stories;
mod traces;
mod world;
