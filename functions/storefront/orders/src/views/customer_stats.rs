use std::collections::BTreeMap;
use std::sync::Arc;

use onecommit_engine::{Atomic, Commit, Consumer, Failure, Item, TableReader, Value};
use onecommit_event::{Event, Payload};
use onecommit_views::{ViewDefinition, ViewRows};
use storefront_money::{Currency, Money};

use crate::views::facts::{Facts, FactsByOrder, Learned, day_of};
use crate::views::fields::{Fields, ViewError, for_each_row, key_part};
use crate::views::shards::shard_of;
use crate::{OrderCancelled, OrderConfirmed, OrderCreated};

/// The view `customer-stats`: over all orders of a customer, how many there are, how many are pending, and what was spent
/// in each currency.
///
/// Only the first event of an order says whose it is and what it costs, and later ones say what counts. So the view keeps a
/// row per order with what is known of it, and each event adds the difference between what the order counts for with it
/// and without it: the sums are right in whichever order the events arrive. A handler costs one read and one transaction.
///
/// A customer's sums are spread over 8 rows by the orders' ids: all orders of a customer who orders much would otherwise
/// write to one row, one after the other. They are read with one request.
#[derive(Clone)]
pub struct CustomerStatsView {
    rows: Arc<dyn TableReader>,
}

/// What a customer has ordered in all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CustomerStats {
    /// How many orders were placed.
    pub orders: u64,
    /// How many of them are neither confirmed nor cancelled.
    pub pending: u64,
    /// The totals of orders that were confirmed and not cancelled after that, by currency; none that is zero. More than
    /// 2^63 - 1 of the smallest unit is shown as that.
    pub spent: Vec<Money>,
}

const SHARDS: u64 = 8;
const ORDERS: &str = "orders";
const PENDING: &str = "pending";
/// What the names of the attributes begin with that hold what was spent; the rest is the currency.
const SPENT: &str = "spent#";

impl CustomerStatsView {
    /// The name.
    pub const NAME: &'static str = "customer-stats";

    /// The view, whose handlers read what is known of an order from `rows`.
    #[must_use]
    pub fn new(rows: Arc<dyn TableReader>) -> Self {
        Self { rows }
    }

    /// What the customer has ordered; nothing of a customer who is not known. One request.
    ///
    /// # Errors
    /// See [`ViewError`].
    pub async fn read(rows: &dyn TableReader, view: &ViewRows, customer_id: &str) -> Result<CustomerStats, ViewError> {
        let mut sums = Sums::default();
        for_each_row(rows, view.query(&of_customer(customer_id)), |row| sums.add_row(row)).await?;
        sums.stats(customer_id)
    }
}

impl ViewDefinition for CustomerStatsView {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn handlers(&self, consumer: Consumer, view: ViewRows) -> Consumer {
        let handler = Handler(FactsByOrder::new(Arc::clone(&self.rows), view));
        consumer
            .atomic::<OrderCreated, _>(handler.clone())
            .atomic::<OrderConfirmed, _>(handler.clone())
            .atomic::<OrderCancelled, _>(handler)
    }
}

#[derive(Clone)]
struct Handler(FactsByOrder);

impl Atomic<OrderCreated> for Handler {
    async fn handle(&self, event: Event<OrderCreated>) -> Result<Commit, Failure> {
        let order = event.payload();
        let customer = key_part("customer's id", &order.customer_id)?.to_owned();
        let total = order.total;
        self.count(&event, |facts| {
            facts.customer = Some(customer);
            facts.total = Some(total);
        })
        .await
    }
}

impl Atomic<OrderConfirmed> for Handler {
    async fn handle(&self, event: Event<OrderConfirmed>) -> Result<Commit, Failure> {
        let day = day_of(event.timestamp());
        self.count(&event, |facts| facts.confirmed_on = Some(day)).await
    }
}

impl Atomic<OrderCancelled> for Handler {
    async fn handle(&self, event: Event<OrderCancelled>) -> Result<Commit, Failure> {
        let day = day_of(event.timestamp());
        self.count(&event, |facts| facts.cancelled_on = Some(day)).await
    }
}

impl Handler {
    /// Notes one more fact of an order, and counts what follows from it.
    async fn count<P: Payload>(&self, event: &Event<P>, fact: impl FnOnce(&mut Facts)) -> Result<Commit, Failure> {
        let Learned { before, after, note } = self.0.learn(event, fact).await?;
        let commit = Commit::of(note);
        let (Some(customer), Some(total)) = (&after.customer, after.total) else {
            return Ok(commit);
        };
        let added = Counts::of(&after).added_since(&Counts::of(&before), total);
        if added.is_empty() {
            return Ok(commit);
        }
        let shard = shard_of(event.aggregate().id(), SHARDS);
        let row = self.0.view().update(&of_customer(customer), &format!("{shard:x}"));
        let changed = added.into_iter().fold(row, |row, (sum, amount)| row.add(sum, amount));
        Ok(commit.with(changed))
    }
}

/// How often an order counts in each of its customer's sums.
struct Counts {
    orders: i64,
    pending: i64,
    /// Times its total.
    spent: i64,
}

impl Counts {
    /// As long as nobody has said whose order it is, it counts nowhere.
    fn of(facts: &Facts) -> Self {
        let is_placed = facts.customer.is_some();
        let (is_confirmed, is_cancelled) = (facts.confirmed_on.is_some(), facts.cancelled_on.is_some());
        Self {
            orders: i64::from(is_placed),
            pending: i64::from(is_placed && !is_confirmed && !is_cancelled),
            spent: i64::from(is_placed && is_confirmed && !is_cancelled),
        }
    }

    /// What has to be added to which sum.
    fn added_since(&self, before: &Self, total: Money) -> Vec<(String, i64)> {
        let spent = total.minor_units().saturating_mul(self.spent - before.spent);
        let mut added = vec![
            (ORDERS.to_owned(), self.orders - before.orders),
            (PENDING.to_owned(), self.pending - before.pending),
            (format!("{SPENT}{}", total.currency()), spent),
        ];
        added.retain(|(_, amount)| *amount != 0);
        added
    }
}

/// What the rows of a customer add up to.
#[derive(Default)]
struct Sums {
    orders: i64,
    pending: i64,
    spent: BTreeMap<String, i128>,
}

impl Sums {
    fn add_row(&mut self, row: &Item) -> Result<(), ViewError> {
        let fields = Fields(row);
        self.orders += fields.sum(ORDERS);
        self.pending += fields.sum(PENDING);
        for (name, value) in row {
            if let Some(currency) = name.strip_prefix(SPENT) {
                let amount = whole_number(value).ok_or_else(|| fields.corrupt("spent"))?;
                let sum = self.spent.entry(currency.to_owned()).or_default();
                *sum = sum.saturating_add(amount);
            }
        }
        Ok(())
    }

    fn stats(self, customer_id: &str) -> Result<CustomerStats, ViewError> {
        let corrupt = |attribute| ViewError::Corrupt {
            row: of_customer(customer_id),
            attribute,
        };
        let count = |sum: i64, attribute| u64::try_from(sum).map_err(|_| corrupt(attribute));
        let spent = self.spent.into_iter().filter(|(_, sum)| *sum != 0);
        let money = |(code, sum): (String, i128)| {
            let currency = Currency::new(&code).map_err(|_| corrupt("spent"))?;
            let shown = sum.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
            let minor_units = i64::try_from(shown).map_err(|_| corrupt("spent"))?;
            Ok::<Money, ViewError>(Money::new(minor_units, currency))
        };
        Ok(CustomerStats {
            orders: count(self.orders, ORDERS)?,
            pending: count(self.pending, PENDING)?,
            spent: spent.map(money).collect::<Result<_, _>>()?,
        })
    }
}

/// The sum of many orders may have more digits than one total.
fn whole_number(value: &Value) -> Option<i128> {
    match value {
        Value::Number(text) => text.parse().ok(),
        _ => None,
    }
}

/// Orders have partitions of their own beside it, which begin with another word.
fn of_customer(customer_id: &str) -> String {
    format!("customer#{customer_id}")
}
