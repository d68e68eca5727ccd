use std::collections::BTreeMap;
use std::sync::Arc;

use onecommit_engine::{Atomic, Commit, Consumer, Failure, Item, TableReader};
use onecommit_event::{Event, Payload, Timestamp};
use onecommit_views::{ViewDefinition, ViewRows};
use storefront_money::{Currency, Money};

use crate::views::facts::{Facts, FactsByOrder, Learned, day_of};
use crate::views::fields::{Fields, ViewError, for_each_row};
use crate::views::shards::shard_of;
use crate::{OrderCancelled, OrderConfirmed, OrderCreated};

/// The view `daily-revenue`: for each currency and day (UTC), the totals of the orders that were confirmed on it, and of
/// confirmed orders that were cancelled on it.
///
/// The total is told when an order is created, the day when it is confirmed. So the view keeps a row per order of what
/// it has been told, and counts as soon as both are known: in whichever order the events come, none has to wait for
/// another. A handler costs one read and one transaction.
///
/// A day is spread over 16 rows by the orders' ids: every order of a day would otherwise write to one row, one after the
/// other.
#[derive(Clone)]
pub struct DailyRevenueView {
    rows: Arc<dyn TableReader>,
}

/// What was taken on a day.
#[derive(Clone, Debug, PartialEq)]
pub struct DayRevenue {
    /// The day in UTC, `2026-11-22`.
    pub day: String,
    /// The totals of orders that were confirmed on it.
    pub confirmed: Money,
    /// How many those are.
    pub confirmed_orders: u64,
    /// The totals of orders that were cancelled on it, after they had been confirmed on it or before.
    pub cancelled: Money,
    /// How many those are.
    pub cancelled_orders: u64,
}

const SHARDS: u64 = 16;

impl DailyRevenueView {
    /// The name.
    pub const NAME: &'static str = "daily-revenue";

    /// The view, whose handlers read what they were told before from `rows`.
    #[must_use]
    pub fn new(rows: Arc<dyn TableReader>) -> Self {
        Self { rows }
    }

    /// The days from the one of `first` to the one of `last` on which there was something, in their order. One request
    /// for about 600 days.
    ///
    /// # Errors
    /// See [`ViewError`].
    pub async fn read(
        rows: &dyn TableReader,
        view: &ViewRows,
        currency: Currency,
        first: Timestamp,
        last: Timestamp,
    ) -> Result<Vec<DayRevenue>, ViewError> {
        let (least, most) = (day_of(first), format!("{}$", day_of(last)));
        let days = view.query_between(&days_in(currency), &least, &most);
        let mut revenue: BTreeMap<String, DayRevenue> = BTreeMap::new();
        for_each_row(rows, days, |row| add_row(&mut revenue, currency, row)).await?;
        Ok(revenue.into_values().collect())
    }
}

impl ViewDefinition for DailyRevenueView {
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
        let total = event.payload().total;
        self.count(&event, |facts| facts.total = Some(total)).await
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
        let shard = shard_of(event.aggregate().id(), SHARDS);
        let mut commit = Commit::of(note);
        for ((days, day), additions) in counted_since(&before, &after) {
            let row = self.0.view().update(&days, &format!("{day}#{shard:x}"));
            let changed = additions
                .into_iter()
                .fold(row, |row, (attribute, amount)| row.add(attribute, amount));
            commit = commit.with(changed);
        }
        Ok(commit)
    }
}

/// Additions to the attributes of a day's row.
type Additions = BTreeMap<&'static str, i64>;

/// What counts now and did not before, by partition and day.
fn counted_since<'a>(before: &Facts, after: &'a Facts) -> BTreeMap<(String, &'a str), Additions> {
    // One map, because confirmed and cancelled may fall on one day, and a commit touches a row only once.
    let mut changes: BTreeMap<(String, &str), Additions> = BTreeMap::new();
    let mut count = |total: Money, day, attributes: [&'static str; 2]| {
        let additions = changes.entry((days_in(total.currency()), day)).or_default();
        *additions.entry(attributes[0]).or_default() += total.minor_units();
        *additions.entry(attributes[1]).or_default() += 1;
    };
    if let (Some((total, day)), None) = (confirmed(after), confirmed(before)) {
        count(total, day, ["confirmedMinorUnits", "confirmedOrders"]);
    }
    if let (Some((total, day)), None) = (cancelled(after), cancelled(before)) {
        count(total, day, ["cancelledMinorUnits", "cancelledOrders"]);
    }
    changes
}

fn confirmed(facts: &Facts) -> Option<(Money, &str)> {
    facts.total.zip(facts.confirmed_on.as_deref())
}

/// An order that was never confirmed has brought nothing that could be lost again.
fn cancelled(facts: &Facts) -> Option<(Money, &str)> {
    confirmed(facts).and(facts.total.zip(facts.cancelled_on.as_deref()))
}

fn add_row(revenue: &mut BTreeMap<String, DayRevenue>, currency: Currency, row: &Item) -> Result<(), ViewError> {
    let fields = Fields(row);
    let day: String = fields
        .text("sk")?
        .chars()
        .take_while(|character| *character != '#')
        .collect();
    let nothing = Money::new(0, currency);
    let of_day = revenue.entry(day.clone()).or_insert(DayRevenue {
        day,
        confirmed: nothing,
        confirmed_orders: 0,
        cancelled: nothing,
        cancelled_orders: 0,
    });
    let add = |sum: &Money, attribute: &'static str| {
        let added = sum.plus(Money::new(fields.sum(attribute), currency));
        added.map_err(|_| fields.corrupt(attribute))
    };
    let orders = |attribute: &'static str| u64::try_from(fields.sum(attribute)).map_err(|_| fields.corrupt(attribute));
    of_day.confirmed = add(&of_day.confirmed, "confirmedMinorUnits")?;
    of_day.cancelled = add(&of_day.cancelled, "cancelledMinorUnits")?;
    of_day.confirmed_orders += orders("confirmedOrders")?;
    of_day.cancelled_orders += orders("cancelledOrders")?;
    Ok(())
}

fn days_in(currency: Currency) -> String {
    format!("days#{currency}")
}
