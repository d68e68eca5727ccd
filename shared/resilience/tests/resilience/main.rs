//! The public interface, on virtual time and tables in memory.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod circuits;
mod common;
mod fleets;
mod layers;
mod limits;
mod process;
mod retries;
