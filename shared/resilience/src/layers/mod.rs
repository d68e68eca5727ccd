//! [`tower`] layers around any service whose error says what it means: the same parts, for a stack.
//!
//! From the outside in: [`FallbackLayer`], so that every failure has its fallback; [`RetryLayer`], so that each attempt is
//! judged by what is inside; [`HedgeLayer`]; [`RateLimitLayer`]; [`CircuitLayer`], so that a refused attempt costs no place; [`BulkheadLayer`], so
//! that waiting is not taken for a slow downstream; [`TimeoutLayer`] innermost, so that the circuit sees what
//! hangs as a failure.

mod bulkhead;
mod circuit;
mod describe;
mod fallback;
mod hedge;
mod limit;
mod retry;
mod timeout;

use std::future::Future;
use std::pin::Pin;

pub use bulkhead::{BulkheadLayer, BulkheadService};
pub use circuit::{CircuitLayer, CircuitService};
pub use describe::Describe;
pub use fallback::{FallbackLayer, FallbackService};
pub use hedge::{HedgeLayer, HedgeService};
pub use limit::{RateLimitLayer, RateLimitService};
pub use retry::{RetryLayer, RetryService};
pub use timeout::{TimeoutLayer, TimeoutService};

/// What the services here return.
pub type ServiceFuture<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;
