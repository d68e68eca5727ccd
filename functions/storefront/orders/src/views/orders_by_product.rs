use std::collections::BTreeMap;

use onecommit_engine::{Commit, Consumer, Failure, Query, TableReader};
use onecommit_event::Event;
use onecommit_views::{ViewDefinition, ViewRows};

use crate::OrderCreated;
use crate::views::fields::{Fields, Listed, ViewError, key_part};
use crate::views::place::OrderPlace;

/// The view `orders-by-product`: a row per product of an order, sorted by when the order was placed, in the product's
/// partition.
///
/// Like [`crate::views::OrdersByCustomerView`] it shows what never changes. An order has a row for each of its products, so
/// the handler changes several rows at once, and is atomic. Of an order with more than 99 different products the first 99
/// count, because a transaction holds no more besides the ledger's row; the API takes orders of 50.
#[derive(Clone, Copy, Debug, Default)]
pub struct OrdersByProductView;

/// An order that a product is in.
#[derive(Clone, Debug, PartialEq)]
pub struct ProductOrder {
    /// The order.
    pub order_id: String,
    /// Who placed it.
    pub customer_id: String,
    /// How many of the product.
    pub quantity: u64,
    /// When it was placed, in RFC 3339.
    pub created_at: String,
    /// Where it stands in the list.
    pub place: OrderPlace,
}

/// Different products of an order that have rows.
const PRODUCTS_MAX: usize = 99;
/// The most orders that are read at once.
const ORDERS_MAX: u32 = 101;

impl OrdersByProductView {
    /// The name.
    pub const NAME: &'static str = "orders-by-product";

    /// What reads the orders of a product, the newest first, after a place or from the newest on: at most `count` on a page,
    /// from 1 to 101, one more than any list shows.
    #[must_use]
    pub fn query(view: &ViewRows, sku: &str, after: Option<&OrderPlace>, count: u32) -> Query {
        let newest = view.query(sku).backward().rows_max(count.clamp(1, ORDERS_MAX));
        match after {
            Some(place) => newest.after(view.key(sku, &place.sort_key()).into_item()),
            None => newest,
        }
    }

    /// A page of such a query. One request.
    ///
    /// # Errors
    /// See [`ViewError`].
    pub async fn page(rows: &dyn TableReader, query: &Query) -> Result<Listed<ProductOrder>, ViewError> {
        Listed::read(rows, query, product_order).await
    }
}

impl ViewDefinition for OrdersByProductView {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn handlers(&self, consumer: Consumer, rows: ViewRows) -> Consumer {
        consumer.atomic(move |event: Event<OrderCreated>| {
            let commit = listed(&rows, &event);
            async move { commit }
        })
    }
}

const QUANTITY: &str = "quantity";

fn listed(rows: &ViewRows, event: &Event<OrderCreated>) -> Result<Commit, Failure> {
    let (order, order_id) = (event.payload(), event.aggregate().id());
    let mut quantities: BTreeMap<&str, u64> = BTreeMap::new();
    for line in &order.items {
        let sku = key_part("product's SKU", &line.sku)?;
        if quantities.len() < PRODUCTS_MAX || quantities.contains_key(sku) {
            *quantities.entry(sku).or_default() += u64::from(line.quantity);
        }
    }
    let sort_key = OrderPlace::new(event.timestamp(), order_id).sort_key();
    let row = |(sku, quantity): (&str, u64)| {
        rows.update(sku, &sort_key)
            .set("orderId", order_id)
            .set("customerId", &order.customer_id)
            .set(QUANTITY, quantity)
            .set("createdAt", event.timestamp().to_string())
    };
    let rows = quantities.into_iter().map(row);
    Ok(rows.fold(Commit::nothing(), Commit::with))
}

fn product_order(row: &Fields<'_>) -> Result<ProductOrder, ViewError> {
    Ok(ProductOrder {
        order_id: row.text("orderId")?,
        customer_id: row.text("customerId")?,
        quantity: row.count(QUANTITY)?,
        created_at: row.text("createdAt")?,
        place: row.place()?,
    })
}
