//! What projections promise, on tables in memory and a clock that the tests wind.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

mod faults;
mod keeping;
mod previous;
mod rebuilding;
mod world;
