use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use onecommit_environment::Environment;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::failure::Stopped;

/// Bounds how many calls of a kind are at work at once, so that a slow downstream does not take all of a process. Clones share the
/// bound.
#[derive(Clone)]
pub struct Bulkhead {
    shared: Arc<Shared>,
}

struct Shared {
    name: String,
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    waiting_max: usize,
    wait_max: Duration,
    environment: Environment,
}

/// A place in a bulkhead, until it is dropped.
#[derive(Debug)]
pub struct Place(#[allow(dead_code, reason = "it is given back when it is dropped")] OwnedSemaphorePermit);

impl Bulkhead {
    /// Of `calls_max` calls at work. What comes then is refused at once.
    pub fn new(name: impl Into<String>, calls_max: usize, environment: Environment) -> Self {
        Self::with_waiting(name, calls_max, 0, Duration::ZERO, environment)
    }

    /// Of `calls_max` calls at work, and `waiting_max` that wait for a place, for `wait_max` each.
    pub fn with_waiting(
        name: impl Into<String>,
        calls_max: usize,
        waiting_max: usize,
        wait_max: Duration,
        environment: Environment,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                name: name.into(),
                places: Arc::new(Semaphore::new(calls_max.min(Semaphore::MAX_PERMITS))),
                waiting: AtomicUsize::new(0),
                waiting_max,
                wait_max,
                environment,
            }),
        }
    }

    /// A place.
    ///
    /// # Errors
    /// [`Stopped::BulkheadFull`], at once when as many wait as may.
    pub async fn enter(&self) -> Result<Place, Stopped> {
        let shared = &*self.shared;
        if let Ok(place) = Arc::clone(&shared.places).try_acquire_owned() {
            return Ok(Place(place));
        }
        let Some(_waiting) = Waiting::begin(shared) else {
            return Err(self.full());
        };
        let place = Arc::clone(&shared.places).acquire_owned();
        match shared.environment.within(shared.wait_max, place).await {
            Some(Ok(place)) => Ok(Place(place)),
            _ => Err(self.full()),
        }
    }

    /// Makes a call in a place of its own.
    ///
    /// # Errors
    /// The call's; [`Stopped::BulkheadFull`] when it was not made.
    pub async fn call<T, E, F>(&self, call: impl FnOnce() -> F) -> Result<T, E>
    where
        E: From<Stopped>,
        F: Future<Output = Result<T, E>>,
    {
        let _place = self.enter().await?;
        call().await
    }

    fn full(&self) -> Stopped {
        Stopped::BulkheadFull(self.shared.name.clone())
    }
}

/// One more that waits, until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(shared: &'a Shared) -> Option<Self> {
        let before = shared.waiting.fetch_add(1, Ordering::Relaxed);
        let waiting = Self(&shared.waiting);
        (before < shared.waiting_max).then_some(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl std::fmt::Debug for Bulkhead {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Bulkhead")
            .field("name", &self.shared.name)
            .finish_non_exhaustive()
    }
}
