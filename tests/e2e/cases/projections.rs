//! Views of what is in the store: kept as it comes, and made anew.

use std::sync::Arc;
use std::time::Duration;

use onecommit_aws::DynamoDb;
use onecommit_engine::{EventLog, Ledger, Table, TableReader};
use onecommit_environment::Environment;
use onecommit_event::{Aggregate, Event, Metadata};
use onecommit_event_store::EventStore;
use onecommit_views::{
    EngineFactory, Generation, Next, Rebuild, RebuildSettings, Rebuilt, ViewControl, ViewDefinition, ViewName,
    ViewReader, ViewRows,
};
use storefront_money::{Currency, Money};
use storefront_orders::{NewOrder, Order, OrderCancelled, OrderCommand, OrderShipped, OrderStatus, OrderedLine};
use storefront_views::{
    AlsoBoughtView, CustomerStats, CustomerStatsView, DailyRevenueView, DayRevenue, OrderSummary, OrderSummaryView,
    OrdersByCustomerView, OrdersByProductView,
};

use crate::aws::Aws;
use crate::events::unique;
use crate::patience::eventually;

/// A shop of a case's own: its currency is nobody else's, so nobody else's orders are in its revenue.
struct Shop {
    aws: Aws,
    dynamodb: Arc<DynamoDb>,
    store: EventStore,
    control: ViewControl,
    currency: Currency,
    products: [String; 2],
    customer: String,
}

impl Shop {
    fn open(currency: &str) -> Self {
        let aws = Aws::connect();
        let (dynamodb, environment) = (Arc::new(DynamoDb::new(&aws.session)), Environment::system());
        let views = Table::new(aws.deployment.output("ViewsTableName"));
        Self {
            store: EventStore::new(dynamodb.clone(), log(&aws), environment.clone()),
            control: ViewControl::new(dynamodb.clone(), views, environment),
            currency: Currency::new(currency).unwrap(),
            products: [unique("TEAPOT"), unique("CUP")],
            customer: unique("cus"),
            aws,
            dynamodb,
        }
    }

    // ------------------------------------------------------------ what happens

    /// Somebody orders a teapot and a cup for 30, and the order is confirmed.
    async fn sell(&self) -> String {
        let order_id = unique("ord");
        let line = |sku: &String| OrderedLine {
            sku: sku.clone(),
            quantity: 1,
            unit_price: Money::new(1_500, self.currency),
        };
        let new = NewOrder {
            customer_id: self.customer.clone(),
            lines: self.products.iter().map(line).collect(),
            total: Money::new(3_000, self.currency),
        };
        self.execute(&order_id, OrderCommand::Create(new)).await;
        self.execute(&order_id, OrderCommand::Confirm).await;
        order_id
    }

    async fn execute(&self, order_id: &str, command: OrderCommand) -> Vec<Event> {
        let metadata = Metadata::starting(unique("request"));
        self.store
            .execute::<Order>(&stream(order_id), &command, &metadata)
            .await
            .unwrap()
    }

    // ------------------------------------------------------------ what shows

    /// The rows that readers see, known anew each time.
    async fn rows(&self, view: &str) -> ViewRows {
        let name = ViewName::new(view).unwrap();
        ViewReader::new(name, self.control.clone(), Duration::ZERO)
            .rows()
            .await
            .unwrap()
    }

    async fn summary(&self, order_id: &str) -> Option<OrderSummary> {
        let rows = self.rows(OrderSummaryView::NAME).await;
        OrderSummaryView::read(&*self.dynamodb, &rows, order_id).await.unwrap()
    }

    async fn revenue(&self) -> Option<DayRevenue> {
        let rows = self.rows(DailyRevenueView::NAME).await;
        let now = Environment::system().clock().now();
        // A case may run at midnight.
        let yesterday = onecommit_environment::Timestamp::from_unix_ms(now.unix_ms() - 24 * 3600 * 1000);
        let days = DailyRevenueView::read(&*self.dynamodb, &rows, self.currency, yesterday, now)
            .await
            .unwrap();
        days.into_iter().reduce(|one, other| DayRevenue {
            day: other.day,
            confirmed: one.confirmed.plus(other.confirmed).unwrap(),
            confirmed_orders: one.confirmed_orders + other.confirmed_orders,
            cancelled: one.cancelled.plus(other.cancelled).unwrap(),
            cancelled_orders: one.cancelled_orders + other.cancelled_orders,
        })
    }

    /// In how many orders the cup came with the teapot.
    async fn bought_together(&self) -> u64 {
        let rows = self.rows(AlsoBoughtView::NAME).await;
        let top = AlsoBoughtView::top(&*self.dynamodb, &rows, &self.products[0], 5)
            .await
            .unwrap();
        assert!(top.len() <= 1, "{top:?}");
        top.first().map_or(0, |companion| companion.orders)
    }

    async fn orders_of_customer(&self) -> Vec<String> {
        let rows = self.rows(OrdersByCustomerView::NAME).await;
        let orders = OrdersByCustomerView::newest(&*self.dynamodb, &rows, &self.customer, 100)
            .await
            .unwrap();
        orders.into_iter().map(|order| order.order_id).collect()
    }

    async fn stats(&self) -> CustomerStats {
        let rows = self.rows(CustomerStatsView::NAME).await;
        CustomerStatsView::read(&*self.dynamodb, &rows, &self.customer)
            .await
            .unwrap()
    }

    async fn orders_of_product(&self) -> Vec<String> {
        let rows = self.rows(OrdersByProductView::NAME).await;
        let query = OrdersByProductView::query(&rows, &self.products[0], None, 101);
        let page = OrdersByProductView::page(&*self.dynamodb, &query).await.unwrap();
        page.rows.into_iter().map(|order| order.order_id).collect()
    }

    /// Every view shows exactly these orders, each confirmed.
    async fn shows(&self, orders: &[String]) {
        let count = orders.len() as u64;
        let sold = |revenue: &Option<DayRevenue>| revenue.as_ref().is_some_and(|day| day.confirmed_orders == count);
        eventually("the revenue", async || self.revenue().await, sold).await;
        eventually(
            "the pairs",
            async || self.bought_together().await,
            |pairs| *pairs == count,
        )
        .await;
        let all_paid = |stats: &CustomerStats| stats.orders == count && stats.pending == 0;
        eventually("the customer's sums", async || self.stats().await, all_paid).await;
        for order in orders {
            let is_confirmed = |summary: &Option<OrderSummary>| {
                summary
                    .as_ref()
                    .is_some_and(|order| order.status == OrderStatus::Confirmed)
            };
            eventually("a confirmed order", async || self.summary(order).await, is_confirmed).await;
        }
        self.aws
            .drained_queue(self.aws.deployment.output("ProjectorQueueUrl"))
            .await;
        let revenue = self.revenue().await.unwrap();
        assert_eq!(
            (revenue.confirmed_orders, revenue.confirmed.minor_units()),
            (count, 3_000 * count as i64)
        );
        assert_eq!(self.bought_together().await, count, "no order counts twice");
        let sums = CustomerStats {
            orders: count,
            pending: 0,
            spent: vec![Money::new(3_000 * count as i64, self.currency)],
        };
        assert_eq!(self.stats().await, sums);
        let mut expected = orders.to_vec();
        expected.sort_unstable();
        for mut shown in [self.orders_of_customer().await, self.orders_of_product().await] {
            shown.sort_unstable();
            assert_eq!(shown, expected);
        }
    }

    async fn rebuild(&self, view: Arc<dyn ViewDefinition>) -> Generation {
        let ledger = Ledger::new(Table::new(self.aws.deployment.output("LedgerTableName")));
        let engines = EngineFactory::new(self.dynamodb.clone(), ledger, Environment::system());
        let rebuild = Rebuild::new(view, engines, self.control.clone(), log(&self.aws)).unwrap();
        let pace = RebuildSettings::default()
            // The deployment's projector looks every second.
            .known_after(Duration::from_secs(3))
            // Other cases leave rows in the store that hold no event.
            .tolerates_parked(true);
        match rebuild.with(pace).run(|_| Next::GoOn).await.unwrap() {
            Rebuilt::Switched { generation, .. } => generation,
            other => panic!("{other:?}"),
        }
    }
}

fn log(aws: &Aws) -> EventLog {
    EventLog::new(Table::new(aws.deployment.output("EventsTableName")))
}

fn stream(order_id: &str) -> Aggregate {
    Aggregate::new("Order", order_id).unwrap()
}

pub(super) async fn what_happens_to_an_order_shows_in_every_view() {
    let shop = Shop::open("XTA");
    let order = shop.sell().await;
    shop.shows(std::slice::from_ref(&order)).await;
    let shipped = OrderShipped {
        carrier: "DHL".into(),
        tracking_id: "JD01".into(),
    };
    shop.execute(&order, OrderCommand::Ship(shipped.clone())).await;
    let on_its_way = |summary: &Option<OrderSummary>| {
        summary
            .as_ref()
            .is_some_and(|order| order.shipment == Some(shipped.clone()))
    };
    eventually("a shipped order", async || shop.summary(&order).await, on_its_way).await;
    let cancelled = shop.sell().await;
    let reason = OrderCancelled {
        reason: "too late".into(),
    };
    shop.execute(&cancelled, OrderCommand::Cancel(reason)).await;
    let taken_back = |revenue: &Option<DayRevenue>| revenue.as_ref().is_some_and(|day| day.cancelled_orders == 1);
    let revenue = eventually("a cancellation", async || shop.revenue().await, taken_back)
        .await
        .unwrap();
    assert_eq!((revenue.confirmed_orders, revenue.cancelled.minor_units()), (2, 3_000));
}

pub(super) async fn copies_and_disorder_do_a_view_no_harm() {
    let shop = Shop::open("XTB");
    let mut orders = Vec::new();
    for _ in 0..5 {
        let order = shop.sell().await;
        let events = shop.store.read(&stream(&order), 1).all().await.unwrap();
        // Beside the relay's: last first, and each of them three times.
        let bodies: Vec<String> = events.iter().rev().flat_map(|event| vec![event.to_json(); 3]).collect();
        shop.aws
            .send_bodies(shop.aws.deployment.output("ProjectorQueueUrl"), bodies)
            .await;
        orders.push(order);
    }
    shop.shows(&orders).await;
}

pub(super) async fn a_rebuild_while_events_keep_coming_ends_with_what_the_store_says() {
    let shop = Shop::open("XTC");
    let mut orders = Vec::new();
    for _ in 0..10 {
        orders.push(shop.sell().await);
    }
    let rows: Arc<dyn TableReader> = shop.dynamodb.clone();
    let views = storefront_views::storefront(&rows);
    let rebuilds = futures_util::future::join_all(views.into_iter().map(|view| shop.rebuild(view)));
    let mut rebuilds = std::pin::pin!(rebuilds);
    // One order after the other, until the last rebuild is done.
    let generations = loop {
        let sold = std::pin::pin!(shop.sell());
        match futures_util::future::select(sold, rebuilds.as_mut()).await {
            futures_util::future::Either::Left((order, _)) => orders.push(order),
            futures_util::future::Either::Right((generations, selling)) => {
                orders.push(selling.await);
                break generations;
            }
        }
    };
    assert!(
        generations.iter().all(|generation| generation.number() == 2),
        "{generations:?}"
    );
    assert!(orders.len() > 12, "some came during the rebuilds");
    orders.push(shop.sell().await);
    shop.shows(&orders).await;
    let status = shop.control.status(&[]).await.unwrap();
    assert_eq!(status.len(), 6);
    for view in status {
        assert_eq!(
            (view.active.map(Generation::number), &view.building),
            (Some(2), &None),
            "{view:?}"
        );
        assert!(view.lag.is_some(), "{view:?}");
    }
}
