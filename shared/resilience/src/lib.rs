//! Calls that survive a downstream that does not: retries with a budget, circuit breakers that a fleet shares, rate limits by
//! leased tokens, bulkheads and hedging.
//!
//! The caller's error says what a failure means ([`Classify`]), and everything here decides by that. Time and
//! randomness come from [`onecommit_environment::Environment`], so a test or a simulation drives it on a virtual clock.

mod bulkhead;
mod circuit;
mod failure;
pub mod fleet;
mod hedge;
pub mod layers;
mod limits;
mod nesting;
mod retries;
mod retry_after;
mod settings;

pub use bulkhead::{Bulkhead, Place};
pub use circuit::{Answered, Circuit, Noted, Outcome, Permit, ProcessCircuits, Watch};
pub use failure::{Classify, Failure, Repetition, Stopped};
pub use hedge::Hedge;
pub use limits::{Admission, RateLimit, RateLimitFault, RateLimits};
pub use nesting::{as_attempt, current_attempt};
pub use onecommit_engine::Deadline;
pub use onecommit_environment::{RetryBudget, RetryPolicy};
pub use retries::{Retries, THREE_ATTEMPTS};
pub use retry_after::retry_after;
pub use settings::{CircuitSettings, CircuitSettingsFault};

/// The page of the documentation, whose example is compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/resilience.md")]
struct Page;
