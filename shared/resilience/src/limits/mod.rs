//! Rate limits that a fleet keeps together, without a request for each call: a process leases tokens and spends them.

mod lease;
mod limit;
mod rate_limits;
mod usage;

pub use limit::{Admission, RateLimit, RateLimitFault};
pub use rate_limits::RateLimits;
