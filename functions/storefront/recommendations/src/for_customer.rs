//! What to offer a customer: what others bought together with what is in the customer's last orders.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join_all;
use onecommit_engine::TableReader;
use onecommit_views::ViewRows;
use storefront_views::{AlsoBoughtView, Companion, OrdersByCustomerView, ViewError};

/// How many of the customer's orders count, the newest.
const ORDERS: u32 = 10;
/// How many different products of them count, those of the newest orders first. Each costs a request.
const PRODUCTS_MAX: usize = 20;
/// How many companions of each product count, the most frequent.
const COMPANIONS_MAX: usize = 100;

/// The views it is made from.
pub(crate) struct Views {
    pub(crate) orders: ViewRows,
    pub(crate) also_bought: ViewRows,
}

/// The companions of what is in the customer's last orders, the most frequent first, without what is in those orders. A
/// companion of several products counts the orders of each.
pub(crate) async fn top(
    rows: &dyn TableReader,
    views: &Views,
    customer_id: &str,
    count: usize,
) -> Result<Vec<Companion>, ViewError> {
    let orders = OrdersByCustomerView::newest(rows, &views.orders, customer_id, ORDERS).await?;
    let mut had = BTreeSet::new();
    let all = orders.iter().flat_map(|order| &order.products);
    let products: Vec<&String> = all.filter(|sku| had.insert(*sku)).collect();
    let asked = products.iter().take(PRODUCTS_MAX);
    let companions = asked.map(|sku| AlsoBoughtView::top(rows, &views.also_bought, sku, COMPANIONS_MAX));
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for companion in try_join_all(companions).await?.into_iter().flatten() {
        if !had.contains(&companion.sku) {
            let sum = sums.entry(companion.sku).or_default();
            *sum = sum.saturating_add(companion.orders);
        }
    }
    let mut sorted: Vec<Companion> = sums
        .into_iter()
        .map(|(sku, orders)| Companion { sku, orders })
        .collect();
    // It is sorted by SKU, and stays so among equals.
    sorted.sort_by_key(|companion| Reverse(companion.orders));
    sorted.truncate(count);
    Ok(sorted)
}
