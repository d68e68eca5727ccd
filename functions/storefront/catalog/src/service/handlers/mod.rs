//! What messages change.

mod confirm;
mod release;
mod reserve;

use futures_util::future::try_join_all;
use onecommit_engine::{Commit, Failure};

use crate::{Impossible, Line, Step};

pub(crate) use confirm::Confirm;
pub(crate) use release::Release;
pub(crate) use reserve::Reserve;

use crate::Catalog;
use crate::service::product::{self, Product};
use crate::service::reservation::{self, Reservation};
use crate::service::row::ReadError;

impl Catalog {
    /// The reservation of an order, if anything was ever asked for it.
    pub(crate) async fn reservation(&self, order_id: &str) -> Result<Option<Reservation>, ReadError> {
        let row = self.tables.get(&self.table, &reservation::key(order_id)).await?;
        Ok(row.as_ref().map(Reservation::read).transpose()?)
    }

    /// The products of these lines, in their order, read side by side.
    async fn products(&self, lines: impl IntoIterator<Item = &Line>) -> Result<Vec<Option<Product>>, ReadError> {
        let reads = lines.into_iter().map(async |line| {
            let row = self.tables.get(&self.table, &product::key(&line.sku)).await?;
            Ok(row.as_ref().map(Product::read).transpose()?)
        });
        try_join_all(reads).await
    }

    /// What one step changes. `before` is the version of the row that was read.
    fn commit(&self, reservation: Reservation, step: Step, before: Option<u64>) -> Result<Commit, Failure> {
        let turn = reservation.take(step, before, &self.table).map_err(Failure::Invalid)?;
        Ok(turn.map_or_else(Commit::nothing, Commit::from))
    }
}

/// Nobody can do anything about it here: the message is parked, for a person.
fn impossible(order_id: &str, why: Impossible) -> Failure {
    Failure::reject(format!("order {order_id}: {why}"))
}
