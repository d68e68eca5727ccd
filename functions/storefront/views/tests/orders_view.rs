//! What the orders view shows.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use std::sync::Arc;

use onecommit_engine::{Atomic, Item, Table, Verdict, Write};
use onecommit_environment::Environment;
use onecommit_event::Event;
use onecommit_testing::{MemoryDatabase, TestConsumer, a_typed_event, an_event};
use storefront_money::{Currency, Money};
use storefront_orders::{Line, OrderCreated};
use storefront_payments::PaymentProcessed;
use storefront_views::OrdersView;

fn euros(minor_units: i64) -> Money {
    Money::new(minor_units, Currency::new("EUR").unwrap())
}

fn order() -> OrderCreated {
    let line = |quantity| Line {
        sku: "sku-1".into(),
        quantity,
        unit_price_minor: 500,
    };
    OrderCreated {
        customer_id: "cus_1".into(),
        items: vec![line(2), line(3)],
        total: euros(2500),
    }
}

fn payment(amount: i64) -> Event {
    payment_named("pay_1", euros(amount))
}

fn payment_named(id: &str, amount: Money) -> Event {
    let payment = PaymentProcessed {
        payment_id: id.into(),
        order_id: "ord_1".into(),
        amount,
    };
    an_event("Payment", id, payment)
}

fn view(database: &Arc<MemoryDatabase>) -> OrdersView {
    OrdersView::new(database.clone(), Table::new("views"))
}

async fn row_after(events: &[&Event]) -> Item {
    let database = Arc::<MemoryDatabase>::default();
    let consumer = view(&database).consumer("orders-view");
    let kit = TestConsumer::on(database, consumer, Environment::system());
    for event in events {
        assert_eq!(kit.receive(&[event]).await, [Verdict::Done]);
    }
    kit.row("views", &["order#ord_1", "summary"]).unwrap()
}

#[tokio::test]
async fn an_order_and_its_payment_give_one_row_in_any_order() {
    let (ordered, paid) = (an_event("Order", "ord_1", order()), payment(2500));
    let row = row_after(&[&ordered, &paid]).await;
    assert_eq!(row_after(&[&paid, &ordered]).await, row);
    assert_eq!(
        (row["status"].as_str(), row["paidMinorUnits"].as_i64()),
        (Some("paid"), Some(2500))
    );
    assert_eq!(
        (row["totalMinorUnits"].as_i64(), row["itemCount"].as_i64()),
        (Some(2500), Some(5))
    );
}

#[tokio::test]
async fn payments_in_parts_add_up() {
    let (first, second) = (payment_named("pay_1", euros(1000)), payment_named("pay_2", euros(1500)));
    assert_eq!(
        row_after(&[&first, &second]).await["paidMinorUnits"].as_i64(),
        Some(2500)
    );
}

#[tokio::test]
async fn a_payment_told_twice_counts_once() {
    let row = row_after(&[&payment(2500), &payment(2500)]).await;
    assert_eq!(row["paidMinorUnits"].as_i64(), Some(2500));
}

#[tokio::test]
async fn two_currencies_are_not_added_up() {
    let dollars = Money::new(700, Currency::new("USD").unwrap());
    let (first, second) = (payment(2500), payment_named("pay_2", dollars));
    let row = row_after(&[&first, &second]).await;
    assert_eq!(row["paidMinorUnits"].as_i64(), Some(2500));
    assert_eq!(row["paidMinorUnits#USD"].as_i64(), Some(700));
}

#[tokio::test]
async fn a_payment_costs_one_request() {
    let database = Arc::<MemoryDatabase>::default();
    let kit = TestConsumer::on(
        database.clone(),
        view(&database).consumer("orders-view"),
        Environment::system(),
    );
    kit.receive(&[&payment(2500)]).await;
    assert_eq!(database.requests(), 1);
}

#[tokio::test]
async fn a_handler_only_describes_its_changes() {
    let commit = view(&Arc::default())
        .handle(a_typed_event("Order", "ord_1", order()))
        .await
        .unwrap();
    let [Write::Update(update)] = commit.writes() else {
        panic!("{commit:?}")
    };
    assert!(update.changes().iter().any(|change| change.attribute() == "customerId"));
}
