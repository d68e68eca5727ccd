use onecommit_engine::{Consumer, Failure, SequencedUpdate, TableReader};
use onecommit_event::Event;
use onecommit_views::{ViewDefinition, ViewRows};
use storefront_money::Money;
use storefront_orders::OrderCreated;

use crate::fields::{Fields, ViewError, key_part};

/// The view `orders-by-customer`: a row per order, sorted by when it was placed, in the customer's partition.
///
/// Only the order's first event says whose it is, so only what is in there is shown: it never changes. Where an order
/// is on its way, [`crate::OrderSummaryView`] tells.
#[derive(Clone, Copy, Debug, Default)]
pub struct OrdersByCustomerView;

/// An order that a customer placed.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedOrder {
    /// The order.
    pub order_id: String,
    /// When it was placed, in RFC 3339.
    pub created_at: String,
    /// What it costs in all.
    pub total: Money,
}

/// The most orders that are read at once.
const ORDERS_MAX: u32 = 100;

impl OrdersByCustomerView {
    /// The name.
    pub const NAME: &'static str = "orders-by-customer";

    /// The customer's last orders, the newest first: at most `count`, and at most 100. One request.
    ///
    /// # Errors
    /// See [`ViewError`].
    pub async fn newest(
        rows: &dyn TableReader,
        view: &ViewRows,
        customer_id: &str,
        count: u32,
    ) -> Result<Vec<PlacedOrder>, ViewError> {
        let newest = view.query(customer_id).backward().rows_max(count.clamp(1, ORDERS_MAX));
        let page = rows.query(&newest).await?;
        page.rows.iter().map(|row| placed_order(&Fields(row))).collect()
    }
}

impl ViewDefinition for OrdersByCustomerView {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn handlers(&self, consumer: Consumer, rows: ViewRows) -> Consumer {
        consumer.sequenced(move |event: &Event<OrderCreated>| placed(&rows, event))
    }
}

fn placed(rows: &ViewRows, event: &Event<OrderCreated>) -> Result<SequencedUpdate, Failure> {
    let (order, order_id) = (event.payload(), event.aggregate().id());
    let customer = key_part("customer's id", &order.customer_id)?;
    let row = rows.update(customer, &format!("{}#{order_id}", event.timestamp()));
    Ok(SequencedUpdate::last_value(
        row.set("orderId", order_id)
            .set("createdAt", event.timestamp().to_string())
            .set("totalMinorUnits", order.total.minor_units())
            .set("currency", order.total.currency().to_string()),
    ))
}

fn placed_order(row: &Fields<'_>) -> Result<PlacedOrder, ViewError> {
    Ok(PlacedOrder {
        order_id: row.text("orderId")?,
        created_at: row.text("createdAt")?,
        total: row.money()?,
    })
}
