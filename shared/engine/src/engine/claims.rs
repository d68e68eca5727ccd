//! Fetching payloads that travelled with a claim check.

use futures_util::future::{Either, select};
use onecommit_event::Event;
use onecommit_event::claim_check::{ClaimCheck, ClaimError, PayloadStore, StoreError};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::Engine;
use crate::deadline::Deadline;
use crate::delivery::Delivery;
use crate::verdict::{ParkReason, RetryReason, Verdict};

/// How many payloads are claimed side by side.
const CLAIMS_AT_ONCE: usize = 8;

/// What claimed payloads may take: requests at once, and memory.
pub(super) struct ClaimRoom {
    requests: Semaphore,
    bytes: Semaphore,
    bytes_max: usize,
}

impl ClaimRoom {
    pub(super) fn of_bytes(most: usize) -> Self {
        let bytes_max = most.clamp(1, u32::MAX as usize);
        Self {
            requests: Semaphore::new(CLAIMS_AT_ONCE),
            bytes: Semaphore::new(bytes_max),
            bytes_max,
        }
    }

    /// Waits for the memory of a payload. One that is larger than all there is gets all of it.
    async fn take(&self, bytes: u64) -> Option<SemaphorePermit<'_>> {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX).min(self.bytes_max);
        self.bytes
            .acquire_many(u32::try_from(bytes).unwrap_or(u32::MAX))
            .await
            .ok()
    }
}

/// An event with its payload, and the memory that is set aside for it.
pub(super) struct Claimed<'a> {
    pub(super) event: Event,
    _memory: Option<SemaphorePermit<'a>>,
}

impl Engine {
    /// Fetches the payload of an event that travelled with a claim check: within a quarter of the invocation, so that
    /// there is time left to handle it, and never more at once than there is memory for.
    pub(super) async fn claim(
        &self,
        event: &Event,
        delivery: &Delivery,
        deadline: Deadline,
    ) -> Result<Claimed<'_>, Verdict> {
        let Some(store) = &self.payload_store else {
            let error = "the event carries a claim check, and no bucket to claim from is configured";
            return Err(Verdict::park(ParkReason::PayloadUnavailable, error));
        };
        let check =
            ClaimCheck::of(event, &**store).map_err(|error| Verdict::park(ParkReason::PayloadUnavailable, error))?;
        let clock = self.environment.clock();
        let limit = deadline.for_requests(clock).min(deadline.share(4));
        let mut time_over = clock.sleep(limit);
        let memory = match select(std::pin::pin!(self.claims.take(check.bytes)), time_over).await {
            Either::Left((memory, still_time)) => {
                time_over = still_time;
                memory
            }
            Either::Right(_) => {
                let error = format!(
                    "its payload of {} bytes exceeds the memory left for payloads of this batch",
                    check.bytes
                );
                return Err(self.retry(delivery, RetryReason::PayloadTooLargeForNow, error));
            }
        };
        match select(std::pin::pin!(self.fetch(&check, event, &**store)), time_over).await {
            Either::Left((Ok(event), _)) => Ok(Claimed { event, _memory: memory }),
            Either::Left((Err(ClaimError::Store(StoreError::Transient(error))), _)) => {
                Err(self.retry(delivery, RetryReason::PayloadUnavailable, error))
            }
            Either::Left((Err(error), _)) => Err(Verdict::park(ParkReason::PayloadUnavailable, error)),
            Either::Right(_) => {
                let error = format!("the payload store did not answer in {} ms", limit.as_millis());
                Err(self.retry(delivery, RetryReason::PayloadUnavailable, error))
            }
        }
    }

    async fn fetch(&self, check: &ClaimCheck, event: &Event, store: &dyn PayloadStore) -> Result<Event, ClaimError> {
        let _turn = self.claims.requests.acquire().await;
        check.claim(event, store).await
    }
}
