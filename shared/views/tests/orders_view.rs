//! What the orders view shows.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use onecommit_commit::{Atomic, Item, Table, Verdict, Write};
use onecommit_domain_kernel::{Currency, Money};
use onecommit_domain_orders::{Line, OrderCreated};
use onecommit_domain_payments::PaymentProcessed;
use onecommit_event::Event;
use onecommit_testing::{TestConsumer, a_typed_event, an_event};
use onecommit_views::OrdersView;

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
    let payment = PaymentProcessed {
        payment_id: "pay_1".into(),
        order_id: "ord_1".into(),
        amount: euros(amount),
    };
    an_event("Payment", "pay_1", payment)
}

fn view() -> OrdersView {
    OrdersView::new(Table::new("views"))
}

async fn row_after(events: &[&Event]) -> Item {
    let kit = TestConsumer::new(view().consumer("orders-view"));
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
    assert_eq!(
        row_after(&[&payment(1000), &payment(1500)]).await["paidMinorUnits"].as_i64(),
        Some(2500)
    );
}

#[tokio::test]
async fn a_handler_only_says_what_shall_change() {
    let commit = view().handle(a_typed_event("Order", "ord_1", order())).await.unwrap();
    let [Write::Update(update)] = commit.writes() else {
        panic!("{commit:?}")
    };
    assert!(update.changes().iter().any(|change| change.attribute() == "customerId"));
}
