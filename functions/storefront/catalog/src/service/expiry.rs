//! Reservations whose time is over.

use futures_util::stream::{self, StreamExt};
use onecommit_engine::{Cancellation, CommitFault, DatabaseError, Deadline, Query, Transaction, Write};
use onecommit_environment::Timestamp;
use onecommit_event::{Event, EventError, Metadata};
use serde::Serialize;
use tracing::{info, warn};

use crate::Catalog;
use crate::service::reservation::{EXPIRES_AT, EXPIRING, EXPIRING_INDEX, Turn, order_of, shards};
use crate::service::row::{ReadError, RowError};
use crate::{Ask, step};

/// The task that a schedule asks for.
pub const EXPIRE_RESERVATIONS: &str = "expireReservations";

/// Reservations looked up at once.
const PAGE_ROWS_MAX: u32 = 100;
/// Reservations ended side by side.
const AT_ONCE: usize = 8;
/// With less time left nothing more is started: the next schedule finds the rest.
const TIME_TO_SETTLE: std::time::Duration = std::time::Duration::from_secs(5);

/// What came of looking for reservations whose time is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Expired {
    /// Reservations that ended.
    pub expired: u64,
    /// Reservations that did not, for reasons that the log has. The next time finds them again.
    pub failed: u64,
    /// Whether there was time for all.
    pub complete: bool,
}

#[derive(Debug, thiserror::Error)]
enum ExpiryError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Row(#[from] RowError),
    #[error("the end of the reservation is not a valid event")]
    Event(#[from] EventError),
    #[error("the end of the reservation exceeds the transaction limits: {0}")]
    Fault(#[from] CommitFault),
    #[error("the end of the reservation could not be committed: {0}")]
    Database(#[from] DatabaseError),
}

impl Catalog {
    /// Ends reservations whose time is over, found through the index: what they held is available again, and
    /// `InventoryReleased` says so. Each is a transaction of its own, conditional on the row being as it was read, so that
    /// an order confirmed meanwhile keeps its stock and two of these at once end nothing twice.
    ///
    /// # Errors
    /// When the index does not answer.
    pub async fn expire_reservations(&self, deadline: Deadline) -> Result<Expired, DatabaseError> {
        let now = Timestamp::from_unix_ms(self.environment.clock().now().unix_ms()).to_string();
        let mut result = Expired {
            complete: true,
            ..Expired::default()
        };
        for shard in shards() {
            let due = self.table.query(EXPIRING, shard).on_index(EXPIRING_INDEX, EXPIRES_AT);
            // The smallest text that a key may be: empty ones are not.
            let mut next = Some(due.between(EXPIRES_AT, "0", now.as_str()).rows_max(PAGE_ROWS_MAX));
            while let Some(query) = next {
                if deadline.remaining(self.environment.clock()) < TIME_TO_SETTLE {
                    result.complete = false;
                    return Ok(result);
                }
                next = self.expire_page(&query, &mut result).await?;
            }
        }
        if result.expired + result.failed > 0 {
            info!(?result, "expired reservations were ended");
        }
        Ok(result)
    }

    async fn expire_page(&self, query: &Query, result: &mut Expired) -> Result<Option<Query>, DatabaseError> {
        let page = self.tables.query(query).await?;
        let ends = page.rows.iter().map(async |row| match order_of(row) {
            Ok(order_id) => (order_id, self.expire(order_id).await),
            Err(error) => ("unknown", Err(error.into())),
        });
        let mut ends = stream::iter(ends).buffer_unordered(AT_ONCE);
        while let Some((order_id, ended)) = ends.next().await {
            match ended {
                Ok(true) => result.expired += 1,
                Ok(false) => {}
                Err(error) => {
                    warn!(order.id = order_id, error = %error, "expired reservation could not be ended; the next run tries again");
                    result.failed += 1;
                }
            }
        }
        Ok(page.next)
    }

    /// Whether it ended by this. The index may be behind, so the row itself tells whether it still holds stock; until when
    /// it does never changes.
    async fn expire(&self, order_id: &str) -> Result<bool, ExpiryError> {
        let Some(found) = self.reservation(order_id).await? else {
            return Ok(false);
        };
        let (before, correlation_id) = (found.version, found.correlation_id.clone());
        let turn = match step(Some(found.state), Ask::Expire) {
            Ok(step) => found.take(step, Some(before), &self.table)?,
            Err(_) => None,
        };
        let Some(turn) = turn else { return Ok(false) };
        let writes = self.with_event(turn, &correlation_id)?;
        let transaction = Transaction::checked(self.environment.ids().next(), writes)?;
        match self.tables.transact(&transaction).await {
            Ok(()) => Ok(true),
            // The reservation, whose row is the first, is another one now: its order was confirmed meanwhile, or another
            // one of these was quicker.
            Err(DatabaseError::Cancelled(reasons)) if matches!(reasons[..], [Cancellation::ConditionFailed(_), ..]) => {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The writes of a step that no message caused.
    fn with_event(&self, turn: Turn, correlation_id: &str) -> Result<Vec<Write>, EventError> {
        let metadata = Metadata {
            sequence: Some(turn.version_before + 1),
            ..Metadata::caused_by(correlation_id, format!("{}/expired", turn.stream.id()))
        };
        let event = Event::from_new(turn.event, turn.stream, metadata, &self.environment)?;
        let mut writes = turn.writes;
        writes.push(self.log.put(&event).into());
        Ok(writes)
    }
}
