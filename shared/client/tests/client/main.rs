//! What a client promises of a call, whatever the service answers.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

mod bad_answers;
mod bad_requests;
mod cache;
mod calls;
mod consul;
mod discovery;
mod kit;
#[cfg(feature = "transport")]
mod over_tcp;
