//! An outside payment provider, and the one place that speaks its language: its forms are translated here, and nothing else
//! of this context knows them.

mod forms;
mod provider;
mod translation;

pub use provider::{HttpProvider, PROVIDER};
