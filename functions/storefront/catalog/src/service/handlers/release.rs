use onecommit_engine::{Atomic, Commit, Failure};
use onecommit_event::Event;

use super::impossible;
use crate::Catalog;
use crate::service::reservation::{Reservation, check_order};
use crate::{Ask, ReleaseInventory, ReservationState, step};

/// Gives back what an order holds.
pub(crate) struct Release {
    catalog: Catalog,
}

impl Release {
    pub(crate) fn new(catalog: Catalog) -> Self {
        Self { catalog }
    }
}

impl Atomic<ReleaseInventory> for Release {
    async fn handle(&self, event: Event<ReleaseInventory>) -> Result<Commit, Failure> {
        let order_id = &event.payload().order_id;
        check_order(order_id).map_err(Failure::Invalid)?;
        let found = self.catalog.reservation(order_id).await?;
        let state = found.as_ref().map(|found| found.state);
        let step = step(state, Ask::Release).map_err(|why| impossible(order_id, why))?;
        let before = found.as_ref().map(|found| found.version);
        let reservation = found.unwrap_or_else(|| Reservation {
            order_id: order_id.clone(),
            state: ReservationState::Released,
            content: None,
            expires_at: None,
            refusal: None,
            version: 0,
            correlation_id: event.metadata().correlation_id.clone(),
        });
        self.catalog.commit(reservation, step, before)
    }
}
