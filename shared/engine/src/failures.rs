//! How often a message has failed by its own fault: counted in the ledger's table, over all processes.

use std::sync::Arc;

use onecommit_environment::Environment;
use tracing::warn;

use crate::condition::Condition;
use crate::ledger::Ledger;
use crate::metrics::Metrics;
use crate::table_writer::{Cancellation, DatabaseError, TableWriter};
use crate::write::Write;

/// Counts for one consumer.
///
/// The queue's own count tells deliveries, and most of those that end without a commit are somebody else's fault. A row
/// is written only when a message fails by its own: what goes well pays nothing for it.
pub(crate) struct Failures {
    consumer: String,
    ledger: Ledger,
    database: Arc<dyn TableWriter>,
    environment: Environment,
    metrics: Arc<Metrics>,
}

/// Whether a message may fail again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// It may.
    Left,
    /// It has failed as often as it may.
    Exhausted,
}

/// The attribute that counts.
const COUNT: &str = "failures";

impl Failures {
    pub(crate) fn new(
        consumer: &str,
        ledger: Ledger,
        database: Arc<dyn TableWriter>,
        environment: Environment,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            consumer: consumer.to_owned(),
            ledger,
            database,
            environment,
            metrics,
        }
    }

    /// Counts one failure of a message that may fail `most` times.
    ///
    /// One request, never repeated: if it does not arrive, one failure too few is counted. That costs a delivery, where
    /// one too many would park a message before its time.
    pub(crate) async fn count(&self, message_id: &str, most: u32) -> Patience {
        if most <= 1 {
            return Patience::Exhausted;
        }
        let now = self.environment.clock().now();
        let row = self.ledger.failures_of(&self.consumer, message_id, now);
        let may_fail_again = Condition::absent(COUNT).or(Condition::less(COUNT, u64::from(most) - 1));
        let write = Write::from(row.add(COUNT, 1).only_if(may_fail_again));
        let started = self.environment.clock().instant();
        let result = self.database.write(&write).await;
        self.metrics
            .request(self.environment.clock().instant().saturating_duration_since(started));
        match result {
            Ok(()) => Patience::Left,
            Err(DatabaseError::Cancelled(reasons))
                if matches!(reasons.first(), Some(Cancellation::ConditionFailed(_))) =>
            {
                Patience::Exhausted
            }
            Err(error) => {
                warn!(message.id = message_id, error = %error, "failure of the message could not be counted");
                Patience::Left
            }
        }
    }
}
