//! Fetching payloads that travelled with a claim check.

use futures_util::stream::{self, StreamExt};
use onecommit_claim_check::{ClaimCheck, ClaimError, StoreError};
use onecommit_event::Event;

use super::Engine;
use crate::delivery::Delivery;
use crate::verdict::{ParkReason, RetryReason, Verdict};

/// How many payloads are claimed side by side.
const CLAIMS_AT_ONCE: usize = 8;

impl Engine {
    /// Fetches the payloads of events that travelled with a claim check; the others cost nothing here.
    pub(super) async fn claim_payloads(
        &self,
        mut admitted: Vec<Result<Event, Verdict>>,
        deliveries: &[Delivery],
    ) -> Vec<Result<Event, Verdict>> {
        let checked: Vec<(usize, Event)> = admitted
            .iter()
            .enumerate()
            .filter_map(|(place, event)| {
                event
                    .as_ref()
                    .ok()
                    .filter(|event| ClaimCheck::is_on(event))
                    .map(|event| (place, event.clone()))
            })
            .collect();
        let claims = checked
            .into_iter()
            .map(|(place, event)| async move { (place, self.claim(&event, &deliveries[place]).await) });
        let mut claimed = stream::iter(claims).buffer_unordered(CLAIMS_AT_ONCE);
        while let Some((place, event)) = claimed.next().await {
            admitted[place] = event;
        }
        admitted
    }

    async fn claim(&self, event: &Event, delivery: &Delivery) -> Result<Event, Verdict> {
        let Some(store) = &self.payload_store else {
            let error = "the event carries a claim check, and no bucket to claim from is configured";
            return Err(Verdict::park(ParkReason::PayloadUnavailable, error));
        };
        ClaimCheck::claim(event, &**store).await.map_err(|error| match error {
            ClaimError::Store(StoreError::Transient(_)) => {
                let verdict = self.come_back(delivery, RetryReason::PayloadUnavailable, error);
                self.give_up_if_exhausted(verdict, delivery)
            }
            _ => Verdict::park(ParkReason::PayloadUnavailable, error),
        })
    }
}
