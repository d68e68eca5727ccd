//! The catalog over gRPC: a server on a port of its own, and clients that speak to it over TCP.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

mod bad_input;
mod callers;
mod calls;
mod ending;
mod gone_and_back;
mod kit;
mod time;
