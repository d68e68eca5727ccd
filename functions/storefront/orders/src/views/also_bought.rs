use std::cmp::Reverse;
use std::collections::BTreeSet;

use onecommit_engine::{Commit, Consumer, Failure, TableReader};
use onecommit_event::Event;
use onecommit_views::{ViewDefinition, ViewRows};

use crate::OrderCreated;
use crate::views::fields::{Fields, ViewError, for_each_row, key_part};

/// The view `also-bought`: for each two products, in how many orders both are.
///
/// An order counts when it is placed, and keeps counting if it is cancelled: what was wanted together is what a
/// recommendation asks for. Of an order with more than ten different products the first ten count: ten have 90 pairs,
/// eleven would have 110, and a transaction holds 99 besides the ledger's row.
#[derive(Clone, Copy, Debug, Default)]
pub struct AlsoBoughtView;

/// A product that was ordered together with another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Companion {
    /// The product.
    pub sku: String,
    /// In how many orders both are.
    pub orders: u64,
}

/// Different products of an order that count.
const PRODUCTS_MAX: usize = 10;
/// The most companions that are read at once.
const COMPANIONS_MAX: usize = 100;

impl AlsoBoughtView {
    /// The name.
    pub const NAME: &'static str = "also-bought";

    /// What was ordered most often together with a product, the most frequent first: at most `count`, and at most 100.
    ///
    /// It reads all companions of the product, about 10,000 with one request, and holds no more than it gives.
    ///
    /// # Errors
    /// See [`ViewError`].
    pub async fn top(
        rows: &dyn TableReader,
        view: &ViewRows,
        sku: &str,
        count: usize,
    ) -> Result<Vec<Companion>, ViewError> {
        let count = count.min(COMPANIONS_MAX);
        let mut top: BTreeSet<(Reverse<u64>, String)> = BTreeSet::new();
        for_each_row(rows, view.query(sku), |row| {
            let fields = Fields(row);
            top.insert((Reverse(fields.count(ORDERS)?), fields.text("sk")?));
            if top.len() > count {
                top.pop_last();
            }
            Ok(())
        })
        .await?;
        let companion = |(Reverse(orders), sku)| Companion { sku, orders };
        Ok(top.into_iter().map(companion).collect())
    }
}

const ORDERS: &str = "orders";

impl ViewDefinition for AlsoBoughtView {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn handlers(&self, consumer: Consumer, rows: ViewRows) -> Consumer {
        consumer.atomic(move |event: Event<OrderCreated>| {
            let commit = pairs(&rows, &event);
            async move { commit }
        })
    }
}

fn pairs(rows: &ViewRows, event: &Event<OrderCreated>) -> Result<Commit, Failure> {
    let mut products: Vec<&str> = Vec::new();
    for line in &event.payload().items {
        let sku = key_part("product's SKU", &line.sku)?;
        if products.len() < PRODUCTS_MAX && !products.contains(&sku) {
            products.push(sku);
        }
    }
    let all = products
        .iter()
        .flat_map(|one| products.iter().map(move |other| (*one, *other)));
    let pairs = all.filter(|(one, other)| one != other);
    Ok(pairs.fold(Commit::nothing(), |commit, (one, other)| {
        commit.with(rows.update(one, other).add(ORDERS, 1))
    }))
}
