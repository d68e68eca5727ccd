use onecommit_engine::{Consumer, Failure, Item, Key, Sequenced, SequencedUpdate, TableReader, Update};
use onecommit_event::{Event, Payload};
use onecommit_views::{ViewDefinition, ViewRows};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as NoStatus;
use storefront_money::Money;

use crate::views::fields::{Fields, ViewError};
use crate::{OrderCancelled, OrderConfirmed, OrderCreated, OrderDelivered, OrderShipped, OrderStatus};

/// The view `order-summary`: one row per order, with where it is on its way.
///
/// Each event adds to the row what the others do not tell, so the row takes them one after the other, in the order of
/// their sequence.
#[derive(Clone, Copy, Debug, Default)]
pub struct OrderSummaryView;

/// An order at a glance.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderSummary {
    /// The order.
    pub order_id: String,
    /// Who placed it.
    pub customer_id: String,
    /// Where it is.
    pub status: OrderStatus,
    /// How many pieces were ordered.
    pub item_count: u64,
    /// What it costs in all.
    pub total: Money,
    /// When it was placed, in RFC 3339.
    pub created_at: String,
    /// When something last happened to it, in RFC 3339.
    pub changed_at: String,
    /// Why it was cancelled.
    pub cancellation_reason: Option<String>,
    /// Who carries it, and under which number.
    pub shipment: Option<OrderShipped>,
}

impl OrderSummaryView {
    /// The name.
    pub const NAME: &'static str = "order-summary";

    /// The order, if it is known. One request.
    ///
    /// # Errors
    /// See [`ViewError`].
    pub async fn read(
        rows: &dyn TableReader,
        view: &ViewRows,
        order_id: &str,
    ) -> Result<Option<OrderSummary>, ViewError> {
        let row = rows.get(view.table(), &view.key(order_id, SUMMARY)).await?;
        row.as_ref().map(|row| summary(&Fields(row))).transpose()
    }

    /// Each order in the place of its id, and `None` for those that are not known. One request for a hundred of them.
    ///
    /// # Errors
    /// See [`ViewError`].
    pub async fn read_many(
        rows: &dyn TableReader,
        view: &ViewRows,
        order_ids: &[&str],
    ) -> Result<Vec<Option<OrderSummary>>, ViewError> {
        let keys: Vec<Key> = order_ids.iter().map(|id| view.key(id, SUMMARY)).collect();
        let rows = rows.get_many(view.table(), &keys).await?;
        let summary = |row: &Option<Item>| row.as_ref().map(|row| summary(&Fields(row))).transpose();
        rows.iter().map(summary).collect()
    }
}

const SUMMARY: &str = "summary";

impl ViewDefinition for OrderSummaryView {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn handlers(&self, consumer: Consumer, rows: ViewRows) -> Consumer {
        let handler = Handler(rows);
        consumer
            .sequenced::<OrderCreated, _>(handler.clone())
            .sequenced::<OrderConfirmed, _>(handler.clone())
            .sequenced::<OrderCancelled, _>(handler.clone())
            .sequenced::<OrderShipped, _>(handler.clone())
            .sequenced::<OrderDelivered, _>(handler)
    }
}

#[derive(Clone)]
struct Handler(ViewRows);

impl Handler {
    fn row<P: Payload>(&self, event: &Event<P>, status: OrderStatus) -> Update {
        self.0
            .update(event.aggregate().id(), SUMMARY)
            .set("status", status.to_string())
            .set("changedAt", event.timestamp().to_string())
    }
}

impl Sequenced<OrderCreated> for Handler {
    fn project(&self, event: &Event<OrderCreated>) -> Result<SequencedUpdate, Failure> {
        let order = event.payload();
        Ok(SequencedUpdate::accumulating(
            self.row(event, OrderStatus::Created)
                .set("orderId", event.aggregate().id())
                .set("customerId", &order.customer_id)
                .set("itemCount", order.pieces())
                .set("totalMinorUnits", order.total.minor_units())
                .set("currency", order.total.currency().to_string())
                .set("createdAt", event.timestamp().to_string()),
        ))
    }
}

impl Sequenced<OrderConfirmed> for Handler {
    fn project(&self, event: &Event<OrderConfirmed>) -> Result<SequencedUpdate, Failure> {
        Ok(SequencedUpdate::accumulating(self.row(event, OrderStatus::Confirmed)))
    }
}

impl Sequenced<OrderCancelled> for Handler {
    fn project(&self, event: &Event<OrderCancelled>) -> Result<SequencedUpdate, Failure> {
        let row = self.row(event, OrderStatus::Cancelled);
        Ok(SequencedUpdate::accumulating(
            row.set("cancellationReason", &event.payload().reason),
        ))
    }
}

impl Sequenced<OrderShipped> for Handler {
    fn project(&self, event: &Event<OrderShipped>) -> Result<SequencedUpdate, Failure> {
        let shipped = event.payload();
        Ok(SequencedUpdate::accumulating(
            self.row(event, OrderStatus::Shipped)
                .set("carrier", &shipped.carrier)
                .set("trackingId", &shipped.tracking_id),
        ))
    }
}

impl Sequenced<OrderDelivered> for Handler {
    fn project(&self, event: &Event<OrderDelivered>) -> Result<SequencedUpdate, Failure> {
        Ok(SequencedUpdate::accumulating(self.row(event, OrderStatus::Delivered)))
    }
}

fn summary(row: &Fields<'_>) -> Result<OrderSummary, ViewError> {
    let status: Result<OrderStatus, NoStatus> = OrderStatus::deserialize(row.text("status")?.into_deserializer());
    let shipment = row.text_if_any("carrier").zip(row.text_if_any("trackingId"));
    Ok(OrderSummary {
        order_id: row.text("orderId")?,
        customer_id: row.text("customerId")?,
        status: status.map_err(|_| row.corrupt("status"))?,
        item_count: row.count("itemCount")?,
        total: row.money()?,
        created_at: row.text("createdAt")?,
        changed_at: row.text("changedAt")?,
        cancellation_reason: row.text_if_any("cancellationReason"),
        shipment: shipment.map(|(carrier, tracking_id)| OrderShipped { carrier, tracking_id }),
    })
}
