use std::sync::Arc;
use std::time::Duration;

use onecommit_client::{Bulkhead, Circuit, Identity, RetryBudget, RetryPolicy};
use onecommit_resilience::THREE_ATTEMPTS;

/// How a service is called. What is not set is as it is for HTTP (`onecommit_client::ClientSettings`).
#[derive(Clone)]
pub struct GrpcSettings {
    /// The limit of a call over all its attempts and the waits in between: 5 s if it is not set. What is left of the caller's own
    /// time shortens it. The service is told what is left, in `grpc-timeout`.
    pub answer_within: Duration,
    /// The limit of one attempt: none if it is not set.
    pub attempt_within: Option<Duration>,
    /// How often a request is sent: three times in all, if it is not set.
    pub retries: RetryPolicy,
    /// What retries are taken from: a budget of the client's own if it is not set.
    pub budget: Option<RetryBudget>,
    /// The circuit breaker before the service: none if it is not set.
    pub circuit: Option<Circuit>,
    /// How many requests may be under way at once: as many as there are if it is not set.
    pub bulkhead: Option<Bulkhead>,
    /// Who is calling; nothing says nothing.
    pub identity: Option<Arc<dyn Identity>>,
}

impl Default for GrpcSettings {
    fn default() -> Self {
        Self {
            answer_within: Duration::from_secs(5),
            attempt_within: None,
            retries: THREE_ATTEMPTS,
            budget: None,
            circuit: None,
            bulkhead: None,
            identity: None,
        }
    }
}
