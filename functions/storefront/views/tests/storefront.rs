//! What the views that can be rebuilt show, kept by a projector on tables in memory.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use std::sync::Arc;

use onecommit_engine::{Deadline, Delivery, EventLog, Ledger, ParkReason, Table, TableReader, Verdict};
use onecommit_environment::{Environment, SeededRandom, Timestamp};
use onecommit_event::{Event, Metadata, Payload};
use onecommit_testing::{MemoryDatabase, VirtualClock, a_typed_event, delivery_of};
use onecommit_views::{EngineFactory, Generation, Projector, REFRESH, ViewControl, ViewName, ViewRows};
use storefront_money::{Currency, Money};
use storefront_orders::{
    Line, OrderCancelled, OrderConfirmed, OrderCreated, OrderDelivered, OrderShipped, OrderStatus,
};
use storefront_views::{
    AlsoBoughtView, Companion, CustomerStats, CustomerStatsView, DailyRevenueView, DayRevenue, OrderPlace,
    OrderSummaryView, OrdersByCustomerView, OrdersByProductView, storefront,
};

struct World {
    database: Arc<MemoryDatabase>,
    projector: Projector,
}

fn views() -> Table {
    Table::new("views")
}

impl World {
    fn new() -> Self {
        let clock = VirtualClock::showing(at("2026-12-01"));
        let environment = Environment::new(Arc::new(clock), Arc::new(SeededRandom::new(1)));
        let database: Arc<MemoryDatabase> = Arc::default();
        let rows: Arc<dyn TableReader> = database.clone();
        let engines = EngineFactory::new(database.clone(), Ledger::new(Table::new("ledger")), environment.clone());
        let control = ViewControl::new(database.clone(), views(), environment);
        let projector = Projector::new(storefront(&rows), engines, control, REFRESH).unwrap();
        // No event is in this store: what comes too early has to come back.
        let projector = projector.catching_up_from(EventLog::new(Table::new("events")));
        Self { database, projector }
    }

    /// Until every event is done, in this order.
    async fn tell(&self, events: &[&Event]) {
        let mut open: Vec<Delivery> = events
            .iter()
            .map(|event| delivery_of(&event.id().to_string(), event.to_json()))
            .collect();
        while !open.is_empty() {
            let verdicts = self.projector.handle(&open, Deadline::none()).await;
            let mut comes_back = verdicts.iter().map(|verdict| match verdict {
                Verdict::Done | Verdict::Duplicate => false,
                Verdict::Retry { .. } => true,
                other => panic!("{other:?}"),
            });
            open.retain(|_| comes_back.next().unwrap());
        }
    }

    fn rows(&self, view: &str) -> ViewRows {
        ViewRows::new(views(), &ViewName::new(view).unwrap(), Generation::FIRST)
    }

    async fn revenue(&self, currency: &str) -> Vec<DayRevenue> {
        let view = self.rows(DailyRevenueView::NAME);
        let currency = Currency::new(currency).unwrap();
        DailyRevenueView::read(&*self.database, &view, currency, at("2026-11-01"), at("2026-11-30"))
            .await
            .unwrap()
    }

    async fn stats(&self, customer: &str) -> CustomerStats {
        let view = self.rows(CustomerStatsView::NAME);
        CustomerStatsView::read(&*self.database, &view, customer).await.unwrap()
    }

    /// The orders of a product: all pages of two.
    async fn orders_of(&self, sku: &str) -> Vec<(String, u64)> {
        let view = self.rows(OrdersByProductView::NAME);
        let (mut orders, mut after) = (Vec::new(), None::<OrderPlace>);
        loop {
            let query = OrdersByProductView::query(&view, sku, after.as_ref(), 2);
            let page = OrdersByProductView::page(&*self.database, &query).await.unwrap();
            assert!(page.rows.len() <= 2);
            let Some(last) = page.rows.last() else { return orders };
            after = Some(last.place.clone());
            orders.extend(page.rows.into_iter().map(|order| (order.order_id, order.quantity)));
        }
    }

    async fn also_bought(&self, sku: &str, count: usize) -> Vec<(String, u64)> {
        let top = AlsoBoughtView::top(&*self.database, &self.rows(AlsoBoughtView::NAME), sku, count).await;
        let pair = |Companion { sku, orders }| (sku, orders);
        top.unwrap().into_iter().map(pair).collect()
    }
}

fn at(day: &str) -> Timestamp {
    Timestamp::parse(&format!("{day}T09:30:00Z")).unwrap()
}

fn money(minor_units: i64, currency: &str) -> Money {
    Money::new(minor_units, Currency::new(currency).unwrap())
}

/// An event of an order at its place in the order's stream.
fn told<P: Payload>(order: &str, sequence: u64, day: &str, payload: P) -> Event {
    let metadata = Metadata {
        sequence: Some(sequence),
        ..Metadata::starting("test")
    };
    let event = a_typed_event("Order", order, payload).with_metadata(metadata);
    event.with_timestamp(at(day)).into_raw().unwrap()
}

fn placed(order: &str, skus: &[&str], total: Money) -> Event {
    placed_by("cus_7", order, skus, total)
}

fn placed_by(customer: &str, order: &str, skus: &[&str], total: Money) -> Event {
    let line = |sku: &&str| Line {
        sku: (*sku).to_owned(),
        quantity: 2,
        unit_price_minor: 100,
    };
    let created = OrderCreated {
        customer_id: customer.into(),
        items: skus.iter().map(line).collect(),
        total,
    };
    told(order, 1, "2026-11-20", created)
}

fn confirmed(order: &str, day: &str) -> Event {
    told(order, 2, day, OrderConfirmed {})
}

fn cancelled(order: &str, sequence: u64, day: &str) -> Event {
    let reason = "changed their mind".into();
    told(order, sequence, day, OrderCancelled { reason })
}

#[tokio::test(start_paused = true)]
async fn the_summary_follows_an_order_in_whichever_order_its_events_come() {
    let shipped = OrderShipped {
        carrier: "DHL".into(),
        tracking_id: "JD01".into(),
    };
    let story = [
        placed("ord_1", &["cup", "pot"], money(2500, "EUR")),
        confirmed("ord_1", "2026-11-21"),
        told("ord_1", 3, "2026-11-22", shipped.clone()),
        told("ord_1", 4, "2026-11-23", OrderDelivered {}),
    ];
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
        let world = World::new();
        for place in order {
            // Each in a batch of its own first; what comes too early comes again below.
            let delivery = delivery_of("m", story[place].to_json());
            world.projector.handle(&[delivery], Deadline::none()).await;
        }
        world.tell(&story.iter().collect::<Vec<_>>()).await;
        let view = world.rows(OrderSummaryView::NAME);
        let summary = OrderSummaryView::read(&*world.database, &view, "ord_1")
            .await
            .unwrap()
            .unwrap();
        assert_eq!((summary.status, summary.item_count), (OrderStatus::Delivered, 4));
        assert_eq!(
            (summary.customer_id.as_str(), summary.total),
            ("cus_7", money(2500, "EUR"))
        );
        assert_eq!(summary.shipment.as_ref(), Some(&shipped));
        assert_eq!(summary.created_at, "2026-11-20T09:30:00.000Z");
        assert_eq!(summary.changed_at, "2026-11-23T09:30:00.000Z");
        assert_eq!(
            OrderSummaryView::read(&*world.database, &view, "ord_2").await.unwrap(),
            None
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_customers_orders_come_newest_first() {
    let world = World::new();
    let total = money(100, "EUR");
    let created = |order: &str, day: &str| placed(order, &["cup"], total).with_timestamp(at(day));
    let orders = [
        created("ord_1", "2026-11-20"),
        created("ord_2", "2026-11-22"),
        created("ord_3", "2026-11-21"),
    ];
    world.tell(&orders.iter().collect::<Vec<_>>()).await;
    let view = world.rows(OrdersByCustomerView::NAME);
    let newest = async |count| {
        let orders = OrdersByCustomerView::newest(&*world.database, &view, "cus_7", count)
            .await
            .unwrap();
        orders.into_iter().map(|order| order.order_id).collect::<Vec<_>>()
    };
    assert_eq!(newest(10).await, ["ord_2", "ord_3", "ord_1"]);
    assert_eq!(newest(2).await, ["ord_2", "ord_3"]);
    let placed = OrdersByCustomerView::newest(&*world.database, &view, "cus_7", 1)
        .await
        .unwrap();
    assert_eq!(
        (placed[0].item_count, &placed[0].products),
        (2, &vec!["cup".to_owned()])
    );
}

#[tokio::test(start_paused = true)]
async fn revenue_counts_what_was_confirmed_on_its_day_in_whichever_order_the_events_come() {
    let story = [
        placed("ord_1", &[], money(2500, "EUR")),
        placed("ord_2", &[], money(1000, "EUR")),
        placed("ord_3", &[], money(700, "USD")),
        placed("ord_4", &[], money(9999, "EUR")),
        confirmed("ord_1", "2026-11-21"),
        confirmed("ord_2", "2026-11-21"),
        confirmed("ord_3", "2026-11-21"),
        cancelled("ord_2", 3, "2026-11-22"),
        cancelled("ord_4", 2, "2026-11-22"),
    ];
    let forward: Vec<&Event> = story.iter().collect();
    let backward: Vec<&Event> = story.iter().rev().collect();
    let twice = [forward.clone(), forward.clone()].concat();
    for events in [forward, backward, twice] {
        let world = World::new();
        world.tell(&events).await;
        let euros = world.revenue("EUR").await;
        let [first, second] = &euros[..] else {
            panic!("{euros:?}")
        };
        assert_eq!(
            (first.day.as_str(), first.confirmed, first.confirmed_orders),
            ("2026-11-21", money(3500, "EUR"), 2)
        );
        assert_eq!((first.cancelled, first.cancelled_orders), (money(0, "EUR"), 0));
        // The fourth was never confirmed: there is nothing to take back.
        assert_eq!((second.cancelled, second.cancelled_orders), (money(1000, "EUR"), 1));
        assert_eq!(second.confirmed_orders, 0);
        assert_eq!(world.revenue("USD").await[0].confirmed, money(700, "USD"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_confirmed_and_cancelled_on_one_day_is_in_both_sums_of_it() {
    let world = World::new();
    let (created, cancelled) = (
        placed("ord_1", &[], money(2500, "EUR")),
        cancelled("ord_1", 3, "2026-11-21"),
    );
    world
        .tell(&[&cancelled, &confirmed("ord_1", "2026-11-21"), &created])
        .await;
    let revenue = world.revenue("EUR").await;
    assert_eq!(revenue.len(), 1);
    assert_eq!(
        (revenue[0].confirmed, revenue[0].cancelled),
        (money(2500, "EUR"), money(2500, "EUR"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_day_is_spread_over_several_rows_and_read_as_one() {
    let world = World::new();
    let orders = (0..40).map(|number| format!("ord_{number}"));
    let events: Vec<Event> = orders
        .flat_map(|order| [placed(&order, &[], money(10, "EUR")), confirmed(&order, "2026-11-21")])
        .collect();
    world.tell(&events.iter().collect::<Vec<_>>()).await;
    let view = world.rows(DailyRevenueView::NAME);
    let rows = world.database.query(&view.query("days#EUR")).await.unwrap().rows;
    assert!(rows.len() > 8 && rows.len() <= 16, "{}", rows.len());
    let revenue = world.revenue("EUR").await;
    assert_eq!(
        (revenue.len(), revenue[0].confirmed, revenue[0].confirmed_orders),
        (1, money(400, "EUR"), 40)
    );
}

#[tokio::test(start_paused = true)]
async fn stats_are_exact_over_all_orders_in_whichever_order_the_events_come() {
    let story = [
        placed("ord_1", &[], money(2500, "EUR")),
        placed("ord_2", &[], money(1000, "EUR")),
        placed("ord_3", &[], money(700, "USD")),
        placed("ord_4", &[], money(9999, "EUR")),
        placed("ord_5", &[], money(50, "EUR")),
        placed_by("cus_8", "ord_6", &[], money(1, "EUR")),
        confirmed("ord_1", "2026-11-21"),
        confirmed("ord_2", "2026-11-21"),
        confirmed("ord_3", "2026-11-21"),
        told("ord_1", 3, "2026-11-22", OrderDelivered {}),
        cancelled("ord_2", 3, "2026-11-22"),
        cancelled("ord_4", 2, "2026-11-22"),
    ];
    let forward: Vec<&Event> = story.iter().collect();
    let backward: Vec<&Event> = story.iter().rev().collect();
    let twice = [forward.clone(), backward.clone(), forward.clone()].concat();
    for events in [forward, backward, twice] {
        let world = World::new();
        // Each in a batch of its own: in one, the handlers of an order would run again on a lost race.
        for event in events {
            let delivery = delivery_of(&event.id().to_string(), event.to_json());
            world.projector.handle(&[delivery], Deadline::none()).await;
        }
        let expected = CustomerStats {
            orders: 5,
            pending: 1,
            spent: vec![money(2500, "EUR"), money(700, "USD")],
        };
        assert_eq!(world.stats("cus_7").await, expected);
        let other = world.stats("cus_8").await;
        assert_eq!((other.orders, other.pending, other.spent), (1, 1, Vec::new()));
        assert_eq!(world.stats("nobody").await, CustomerStats::default());
    }
}

#[tokio::test(start_paused = true)]
async fn stats_of_many_orders_are_spread_and_read_with_one_request() {
    let world = World::new();
    let orders = (0..40).map(|number| format!("ord_{number}"));
    let events: Vec<Event> = orders
        .flat_map(|order| {
            [
                placed(&order, &[], money(i64::MAX, "EUR")),
                confirmed(&order, "2026-11-21"),
            ]
        })
        .collect();
    world.tell(&events.iter().collect::<Vec<_>>()).await;
    let view = world.rows(CustomerStatsView::NAME);
    let rows = world.database.query(&view.query("customer#cus_7")).await.unwrap().rows;
    assert!(rows.len() > 4 && rows.len() <= 8, "{}", rows.len());
    let before = world.database.requests();
    let stats = world.stats("cus_7").await;
    assert_eq!(world.database.requests() - before, 1);
    assert_eq!((stats.orders, stats.pending), (40, 0));
    assert_eq!(stats.spent, [money(i64::MAX, "EUR")], "the most that can be shown");
}

#[tokio::test(start_paused = true)]
async fn a_customers_name_is_not_taken_for_an_orders() {
    let world = World::new();
    let events = [
        placed_by("order#ord_1", "ord_1", &[], money(5, "EUR")),
        confirmed("ord_1", "2026-11-21"),
    ];
    world.tell(&events.iter().collect::<Vec<_>>()).await;
    let stats = world.stats("order#ord_1").await;
    assert_eq!(
        (stats.orders, stats.pending, stats.spent),
        (1, 0, vec![money(5, "EUR")])
    );
}

#[tokio::test(start_paused = true)]
async fn a_products_orders_come_newest_first_page_by_page() {
    let world = World::new();
    let total = money(100, "EUR");
    let created = |order: &str, skus: &[&str], day: &str| placed(order, skus, total).with_timestamp(at(day));
    let orders = [
        created("ord_1", &["cup", "pot"], "2026-11-20"),
        created("ord_2", &["cup", "cup"], "2026-11-22"),
        created("ord_3", &["cup"], "2026-11-21"),
        created("ord_4", &["pot"], "2026-11-21"),
    ];
    let all: Vec<&Event> = orders.iter().chain(orders.iter().rev()).collect();
    world.tell(&all).await;
    let expected = [("ord_2", 4), ("ord_3", 2), ("ord_1", 2)];
    assert_eq!(
        world.orders_of("cup").await,
        expected.map(|(id, pieces)| (id.to_owned(), pieces))
    );
    assert_eq!(world.orders_of("pot").await.len(), 2);
    assert_eq!(world.orders_of("never").await, []);
}

#[tokio::test(start_paused = true)]
async fn of_an_order_of_a_hundred_products_the_first_99_are_listed() {
    let world = World::new();
    let skus: Vec<String> = (0..100).map(|number| format!("sku_{number}")).collect();
    let skus: Vec<&str> = skus.iter().map(String::as_str).collect();
    world.tell(&[&placed("ord_1", &skus, money(1, "EUR"))]).await;
    assert_eq!(world.orders_of("sku_98").await.len(), 1);
    assert_eq!(world.orders_of("sku_99").await.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_page_of_summaries_is_read_with_one_request() {
    let world = World::new();
    let orders = [
        placed("ord_1", &["cup"], money(1, "EUR")),
        placed("ord_2", &["pot"], money(2, "EUR")),
    ];
    world.tell(&orders.iter().collect::<Vec<_>>()).await;
    let view = world.rows(OrderSummaryView::NAME);
    let before = world.database.requests();
    let found = OrderSummaryView::read_many(&*world.database, &view, &["ord_2", "ord_9", "ord_1"])
        .await
        .unwrap();
    assert_eq!(world.database.requests() - before, 1);
    let ids: Vec<Option<&str>> = found
        .iter()
        .map(|order| order.as_ref().map(|order| order.order_id.as_str()))
        .collect();
    assert_eq!(ids, [Some("ord_2"), None, Some("ord_1")]);
}

#[tokio::test(start_paused = true)]
async fn what_is_ordered_together_most_often_comes_first() {
    let world = World::new();
    let total = money(1, "EUR");
    let orders = [
        placed("ord_1", &["pot", "cup", "tea"], total),
        placed("ord_2", &["pot", "tea"], total),
        placed("ord_3", &["tea", "pot", "pot"], total),
        placed("ord_4", &["cup", "spoon"], total),
        placed("ord_5", &["pot"], total),
    ];
    world.tell(&orders.iter().collect::<Vec<_>>()).await;
    world.tell(&orders.iter().rev().collect::<Vec<_>>()).await;
    let expected = [("tea".to_owned(), 3), ("cup".to_owned(), 1)];
    assert_eq!(world.also_bought("pot", 5).await, expected);
    assert_eq!(world.also_bought("pot", 1).await, expected[..1]);
    assert_eq!(world.also_bought("cup", 5).await.len(), 3);
    assert_eq!(world.also_bought("never", 5).await, []);
    assert_eq!(world.also_bought("pot", 0).await, []);
}

#[tokio::test(start_paused = true)]
async fn of_a_huge_order_the_first_ten_products_count() {
    let world = World::new();
    let skus: Vec<String> = (0..40).map(|number| format!("sku_{number}")).collect();
    let skus: Vec<&str> = skus.iter().map(String::as_str).collect();
    world.tell(&[&placed("ord_1", &skus, money(1, "EUR"))]).await;
    assert_eq!(world.also_bought("sku_0", 100).await.len(), 9);
    assert_eq!(world.also_bought("sku_10", 100).await.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn text_too_long_for_a_key_is_parked() {
    let world = World::new();
    let order = placed("ord_1", &["pot", ""], money(1, "EUR"));
    let deliveries = [delivery_of("m", order.to_json())];
    let verdicts = world.projector.handle(&deliveries, Deadline::none()).await;
    let [Verdict::Park { reason, error }] = &verdicts[..] else {
        panic!("{verdicts:?}")
    };
    assert_eq!(*reason, ParkReason::Rejected);
    assert!(error.contains("SKU"), "{error}");
    let view = world.rows(OrderSummaryView::NAME);
    let summary = OrderSummaryView::read(&*world.database, &view, "ord_1").await.unwrap();
    assert!(summary.is_some(), "the other views have it");
}
