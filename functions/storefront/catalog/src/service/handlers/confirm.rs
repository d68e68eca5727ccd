use onecommit_engine::{Atomic, Commit, Failure};
use onecommit_event::Event;

use super::impossible;
use crate::Catalog;
use crate::service::reservation::Reservation;
use crate::{Ask, Impossible, OrderConfirmed, StockMove, step};

/// Makes what a confirmed order holds the customer's.
pub(crate) struct Confirm {
    catalog: Catalog,
}

impl Confirm {
    pub(crate) fn new(catalog: Catalog) -> Self {
        Self { catalog }
    }

    /// An expired reservation takes its stock again. Where there is not enough any more, nobody here can help: the order
    /// is confirmed, and the products are not there.
    async fn has_enough_again(&self, reservation: &Reservation) -> Result<(), Failure> {
        let lines = || reservation.content.iter().flat_map(|content| content.lines.iter());
        let products = self.catalog.products(lines()).await?;
        for (line, product) in lines().zip(products) {
            let available = product.map_or(0, |product| product.stock.available);
            if available < i64::from(line.quantity) {
                return Err(Failure::reject(format!(
                    "order {} is confirmed after its reservation expired, and a product has less stock left than the \
                     order needs; add stock and redrive this message, or cancel the order",
                    reservation.order_id,
                )));
            }
        }
        Ok(())
    }
}

impl Atomic<OrderConfirmed> for Confirm {
    async fn handle(&self, event: Event<OrderConfirmed>) -> Result<Commit, Failure> {
        let order_id = event.aggregate().id();
        let Some(reservation) = self.catalog.reservation(order_id).await? else {
            return Err(impossible(order_id, Impossible::NothingToConfirm));
        };
        let step = step(Some(reservation.state), Ask::Confirm).map_err(|why| impossible(order_id, why))?;
        if step.moves == Some(StockMove::Retake) {
            self.has_enough_again(&reservation).await?;
        }
        let before = Some(reservation.version);
        self.catalog.commit(reservation, step, before)
    }
}
