use std::sync::Arc;
use std::time::Duration;

use onecommit_environment::RetryPolicy;
use onecommit_resilience::{Bulkhead, Circuit, RetryBudget, THREE_ATTEMPTS};

use crate::cache::CacheSettings;
use crate::identity::Identity;
use crate::limits::Limits;

/// How a service is called.
#[derive(Clone)]
pub struct ClientSettings {
    /// The limit of a call over all its attempts and the waits in between: 5 s if it is not set. What is left of the
    /// caller's own time shortens it.
    pub answer_within: Duration,
    /// The limit of one attempt, so that one that hangs leaves time for another: none if it is not set.
    pub attempt_within: Option<Duration>,
    /// How often a request is sent: three times in all, if it is not set.
    pub retries: RetryPolicy,
    /// What retries are taken from, to share one budget among clients of a service: one of the client's own if it is not set.
    pub budget: Option<RetryBudget>,
    /// Whether a read whose answer is later than that of 95 % of the reads before is sent a second time, out of the same
    /// budget: not, if it is not set.
    pub hedges_reads: bool,
    /// The circuit breaker before the service: none if it is not set. What a breaker refuses, the cache may stand in for.
    pub circuit: Option<Circuit>,
    /// How many requests may be under way at once: as many as there are if it is not set.
    pub bulkhead: Option<Bulkhead>,
    /// What an answer may be.
    pub limits: Limits,
    /// How answers of `GET` are kept; nothing keeps none.
    pub cache: Option<CacheSettings>,
    /// Who is calling; nothing says nothing.
    pub identity: Option<Arc<dyn Identity>>,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            answer_within: Duration::from_secs(5),
            attempt_within: None,
            retries: THREE_ATTEMPTS,
            budget: None,
            hedges_reads: false,
            circuit: None,
            bulkhead: None,
            limits: Limits::default(),
            cache: Some(CacheSettings::default()),
            identity: None,
        }
    }
}
