use onecommit_engine::{Consumer, Failure, Query, SequencedUpdate, TableReader, Value};
use onecommit_event::Event;
use onecommit_views::{ViewDefinition, ViewRows};
use storefront_money::Money;

use crate::OrderCreated;
use crate::views::fields::{Fields, Listed, ViewError, key_part};
use crate::views::place::OrderPlace;

/// The view `orders-by-customer`: a row per order, sorted by when it was placed, in the customer's partition.
///
/// Only the order's first event says whose it is, so only what is in there is shown: it never changes. Where an order
/// is on its way, [`crate::views::OrderSummaryView`] tells, of a whole page with one request.
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
    /// How many pieces were ordered; 0 in rows from before the view kept it, until the view is rebuilt.
    pub item_count: u64,
    /// The SKUs of the products, each once; none in rows from before the view kept them, until the view is rebuilt.
    pub products: Vec<String>,
    /// Where it stands in the list.
    pub place: OrderPlace,
}

/// The most orders that are read at once.
const ORDERS_MAX: u32 = 101;

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
        let newest = Self::query(view, customer_id, None, count.min(ORDERS_MAX - 1));
        Ok(Self::page(rows, &newest).await?.rows)
    }

    /// What reads the customer's orders, the newest first, after a place or from the newest on: at most `count` on a page,
    /// from 1 to 101, one more than any list shows.
    #[must_use]
    pub fn query(view: &ViewRows, customer_id: &str, after: Option<&OrderPlace>, count: u32) -> Query {
        let newest = view.query(customer_id).backward().rows_max(count.clamp(1, ORDERS_MAX));
        match after {
            Some(place) => newest.after(view.key(customer_id, &place.sort_key()).into_item()),
            None => newest,
        }
    }

    /// A page of such a query. One request.
    ///
    /// # Errors
    /// See [`ViewError`].
    pub async fn page(rows: &dyn TableReader, query: &Query) -> Result<Listed<PlacedOrder>, ViewError> {
        Listed::read(rows, query, placed_order).await
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

const ITEM_COUNT: &str = "itemCount";
const PRODUCTS: &str = "products";

fn placed(rows: &ViewRows, event: &Event<OrderCreated>) -> Result<SequencedUpdate, Failure> {
    let (order, order_id) = (event.payload(), event.aggregate().id());
    let customer = key_part("customer's id", &order.customer_id)?;
    let place = OrderPlace::new(event.timestamp(), order_id);
    Ok(SequencedUpdate::last_value(
        rows.update(customer, &place.sort_key())
            .set("orderId", order_id)
            .set("createdAt", event.timestamp().to_string())
            .set(ITEM_COUNT, order.pieces())
            .set(
                PRODUCTS,
                Value::List(order.products().into_iter().map(Value::from).collect()),
            )
            .set("totalMinorUnits", order.total.minor_units())
            .set("currency", order.total.currency().to_string()),
    ))
}

fn placed_order(row: &Fields<'_>) -> Result<PlacedOrder, ViewError> {
    Ok(PlacedOrder {
        order_id: row.text("orderId")?,
        created_at: row.text("createdAt")?,
        total: row.money()?,
        item_count: row.count_if_any(ITEM_COUNT).unwrap_or(0),
        products: row.texts(PRODUCTS),
        place: row.place()?,
    })
}
