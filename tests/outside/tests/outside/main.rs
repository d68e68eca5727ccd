//! What the storefront makes of services of other people, whatever they answer.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

mod catalog;
mod consul;
mod flapping;
mod payments;
mod process;
