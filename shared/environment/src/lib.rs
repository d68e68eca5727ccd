//! What a program cannot make up by itself: the time, randomness, ids made of the two, and the request and the trace that its
//! work is part of.
//!
//! Nothing in the engine asks the operating system for these. They are handed in, so that a simulation with a virtual
//! clock and a seed can drive the real code and repeat a run exactly.

mod clock;
pub mod correlation;
mod ids;
mod random;
mod retry;
mod retry_budget;
mod setters;
mod trace_context;
mod tracer;
mod within;

use std::sync::Arc;

pub use clock::{Clock, SystemClock, Timestamp, TimestampError};
pub use ids::Ids;
pub use random::{Random, SeededRandom, SystemRandom};
pub use retry::{Backoff, RetryPolicy, Transient, retry, retry_while, retry_within};
pub use retry_budget::RetryBudget;
pub use trace_context::TraceContext;
pub use tracer::{TRACES, Tracer};

/// The clock, the randomness and the traces of this process, to hand to everything that needs them.
///
/// ```
/// # use onecommit_environment::Environment;
/// let environment = Environment::system();
/// let id = environment.ids().next();
/// assert_eq!(id.get_version_num(), 7);
/// ```
#[derive(Clone)]
pub struct Environment {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    tracer: Option<Arc<dyn Tracer>>,
}

impl Environment {
    /// The real clock and the operating system's randomness.
    #[must_use]
    pub fn system() -> Self {
        Self::new(Arc::new(SystemClock), Arc::new(SystemRandom))
    }

    /// A clock and a source of randomness of your own.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self {
            clock,
            random,
            tracer: None,
        }
    }

    /// With traces of what is done, which are off otherwise.
    #[must_use]
    pub fn with_tracer(mut self, tracer: Arc<dyn Tracer>) -> Self {
        self.tracer = Some(tracer);
        self
    }

    /// Where traces go; nothing while they are off.
    #[must_use]
    pub fn tracer(&self) -> Option<&dyn Tracer> {
        self.tracer.as_deref()
    }

    /// The span that the code runs in, to pass on to what it causes; nothing while traces are off.
    #[must_use]
    pub fn trace_context(&self) -> Option<TraceContext> {
        self.tracer()?.current()
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// The source of randomness.
    #[must_use]
    pub fn random(&self) -> &dyn Random {
        &*self.random
    }

    /// A maker of UUIDv7 ids from this clock and this randomness.
    #[must_use]
    pub fn ids(&self) -> Ids<'_> {
        Ids::new(&*self.clock, &*self.random)
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Environment").finish_non_exhaustive()
    }
}
