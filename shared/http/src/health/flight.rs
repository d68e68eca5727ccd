//! One probe for all who ask, and at most one that begins within a second.

use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use onecommit_environment::Environment;

use super::failure::{ProbeFailure, ProbeResult};

/// How long a probe may take, and how long its outcome is kept.
const PROBE_LIMIT: Duration = Duration::from_secs(1);

pub(super) type Probe = Box<dyn Fn() -> BoxFuture<'static, ProbeResult> + Send + Sync>;

/// What a probe found out, and how long it took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome {
    pub(super) result: ProbeResult,
    pub(super) latency: Duration,
    /// It was found out earlier, for somebody else.
    pub(super) is_stale: bool,
}

/// The probe of one check.
pub(super) struct Flight {
    probe: Probe,
    environment: Environment,
    latest: Mutex<Option<Begun>>,
}

/// A probe that has begun, and its outcome once there is one.
#[derive(Clone)]
struct Begun {
    at: Instant,
    outcome: Shared<BoxFuture<'static, Outcome>>,
}

impl Flight {
    pub(super) fn new(probe: Probe, environment: Environment) -> Self {
        Self {
            probe,
            environment,
            latest: Mutex::default(),
        }
    }

    /// The outcome of the probe that began within the last second, or of a new one.
    ///
    /// A caller that gives up leaves the probe to the next one, which goes on with it or, after its second, begins anew: it
    /// may have been frozen with its process meanwhile.
    pub(super) async fn outcome(&self) -> Outcome {
        let begun = self.begun();
        let is_stale = begun.outcome.peek().is_some();
        Outcome {
            is_stale,
            ..begun.outcome.await
        }
    }

    fn begun(&self) -> Begun {
        let now = self.environment.clock().instant();
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        match &*latest {
            Some(begun) if now.saturating_duration_since(begun.at) < PROBE_LIMIT => begun.clone(),
            _ => latest.insert(self.begin(now)).clone(),
        }
    }

    fn begin(&self, at: Instant) -> Begun {
        let (environment, work) = (self.environment.clone(), (self.probe)());
        let outcome = async move {
            let result = environment
                .within(PROBE_LIMIT, AssertUnwindSafe(work).catch_unwind())
                .await;
            Outcome {
                result: match result {
                    Some(Ok(result)) => result,
                    Some(Err(_)) => Err(ProbeFailure::Panicked),
                    None => Err(ProbeFailure::Timeout),
                },
                latency: environment.clock().instant().saturating_duration_since(at),
                is_stale: false,
            }
        };
        Begun {
            at,
            outcome: outcome.boxed().shared(),
        }
    }
}
