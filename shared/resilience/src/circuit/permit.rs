use std::sync::Arc;
use std::time::{Duration, Instant};

use super::local::Kind;
use super::outcome::Outcome;
use super::upkeep::Shared;

/// The right to make one call through a circuit. Dropped without an outcome, it counts for nothing, and a permit of a half-open
/// circuit is given back.
#[must_use = "dropped, it counts for nothing"]
#[derive(Debug)]
pub struct Permit {
    shared: Arc<Shared>,
    kind: Kind,
    started: Instant,
    is_ended: bool,
}

impl Permit {
    pub(crate) fn new(shared: Arc<Shared>, kind: Kind, started: Instant) -> Self {
        Self {
            shared,
            kind,
            started,
            is_ended: false,
        }
    }

    /// How long the call has taken until now.
    pub(crate) fn took(&self) -> Duration {
        let now = self.shared.environment.clock().instant();
        now.saturating_duration_since(self.started)
    }

    /// Counts what the call says. Of a call that tried a half-open circuit of the fleet, this awaits a request, 1 s at most; of
    /// every other, none.
    pub async fn end(mut self, outcome: Outcome) {
        self.is_ended = true;
        if let Kind::FleetProbe(permit) = &self.kind {
            return self.shared.end_fleet_probe(permit.clone(), outcome).await;
        }
        self.shared.end(&self.kind, outcome);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.is_ended {
            self.shared.end(&self.kind, Outcome::Unknown);
        }
    }
}
