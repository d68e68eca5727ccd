//! A circuit breaker: calls to a downstream that fails are refused until it has had time to recover, and then tried a few
//! at a time.

mod core;
mod fallback;
mod handle;
mod local;
mod outcome;
mod permit;
mod process;
mod upkeep;
mod watch;
mod window;

pub use fallback::Answered;
pub use handle::Circuit;
pub use outcome::Outcome;
pub use permit::Permit;
pub use process::ProcessCircuits;
pub use watch::{Noted, Watch};
