//! What an order promises, as history: given what happened, when this is asked, then that happens.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use std::sync::Arc;

use onecommit_engine::{EventLog, Table};
use onecommit_environment::Environment;
use onecommit_event::{Aggregate, Metadata};
use onecommit_event_store::{Decider, DomainEvent, EventStore, Scenario};
use onecommit_testing::MemoryDatabase;
use serde_json::json;
use storefront_money::{Currency, Money};
use storefront_orders::{
    Line, NewOrder, Order, OrderCancelled, OrderCommand, OrderConfirmed, OrderCreated, OrderDelivered, OrderEvent,
    OrderRejection, OrderShipped, OrderState, OrderStatus, OrderedLine,
};

fn euro(minor_units: i64) -> Money {
    Money::new(minor_units, Currency::new("EUR").unwrap())
}

fn ordered(sku: &str, quantity: u32, unit_price: Money) -> OrderedLine {
    OrderedLine {
        sku: sku.into(),
        quantity,
        unit_price,
    }
}

fn order_of(lines: Vec<OrderedLine>, total: Money) -> OrderCommand {
    OrderCommand::Create(NewOrder {
        customer_id: "cus_7".into(),
        lines,
        total,
    })
}

fn create() -> OrderCommand {
    let lines = vec![ordered("TEAPOT", 2, euro(1_250)), ordered("CUP", 4, euro(300))];
    order_of(lines, euro(3_700))
}

fn created() -> OrderEvent {
    let line = |sku: &str, quantity, unit_price_minor| Line {
        sku: sku.into(),
        quantity,
        unit_price_minor,
    };
    OrderCreated {
        customer_id: "cus_7".into(),
        items: vec![line("TEAPOT", 2, 1_250), line("CUP", 4, 300)],
        total: euro(3_700),
    }
    .into()
}

fn confirmed() -> OrderEvent {
    OrderConfirmed {}.into()
}

fn cancelled(reason: &str) -> OrderEvent {
    OrderCancelled { reason: reason.into() }.into()
}

fn cancel(reason: &str) -> OrderCommand {
    OrderCommand::Cancel(OrderCancelled { reason: reason.into() })
}

fn parcel(tracking_id: &str) -> OrderShipped {
    OrderShipped {
        carrier: "DHL".into(),
        tracking_id: tracking_id.into(),
    }
}

fn shipped() -> OrderEvent {
    parcel("JD014600003").into()
}

fn ship(tracking_id: &str) -> OrderCommand {
    OrderCommand::Ship(parcel(tracking_id))
}

fn delivered() -> OrderEvent {
    OrderDelivered {}.into()
}

fn refuses_to_be_placed(command: OrderCommand, expected: OrderRejection) {
    Scenario::<Order>::given([]).when(&command).rejected(expected);
}

#[test]
fn an_order_is_confirmed_shipped_and_delivered() {
    Scenario::<Order>::given([])
        .when(&create())
        .then([created()])
        .when(&OrderCommand::Confirm)
        .then([confirmed()])
        .when(&ship("JD014600003"))
        .then([shipped()])
        .when(&OrderCommand::Deliver)
        .then([delivered()]);
}

#[test]
fn an_order_can_be_cancelled_until_it_is_shipped() {
    for history in [vec![created()], vec![created(), confirmed()]] {
        Scenario::<Order>::given(history)
            .when(&cancel("out of stock"))
            .then([cancelled("out of stock")]);
    }
    for (history, status) in [
        (vec![created(), confirmed(), shipped()], OrderStatus::Shipped),
        (
            vec![created(), confirmed(), shipped(), delivered()],
            OrderStatus::Delivered,
        ),
    ] {
        Scenario::<Order>::given(history)
            .when(&cancel("changed my mind"))
            .rejected(OrderRejection::WrongState {
                command: "cancel",
                status,
            });
    }
}

#[test]
fn an_identical_command_succeeds_and_changes_nothing() {
    for (history, command) in [
        (vec![created()], create()),
        (vec![created(), confirmed()], OrderCommand::Confirm),
        (vec![created(), cancelled("out of stock")], cancel("out of stock")),
        (vec![created(), confirmed(), shipped()], ship("JD014600003")),
        (
            vec![created(), confirmed(), shipped(), delivered()],
            OrderCommand::Deliver,
        ),
    ] {
        Scenario::<Order>::given(history).when(&command).then([]);
    }
}

#[test]
fn commands_are_refused_in_the_wrong_status() {
    use OrderStatus::{Cancelled, Confirmed, Created, Delivered, NotPlaced, Shipped};
    let other_order = order_of(vec![ordered("CUP", 1, euro(300))], euro(300));
    let histories = [
        (NotPlaced, vec![]),
        (Created, vec![created()]),
        (Confirmed, vec![created(), confirmed()]),
        (Cancelled, vec![created(), cancelled("out of stock")]),
        (Shipped, vec![created(), confirmed(), shipped()]),
        (Delivered, vec![created(), confirmed(), shipped(), delivered()]),
    ];
    let refused: [(OrderCommand, &[OrderStatus]); 5] = [
        (other_order, &[Created, Confirmed, Cancelled, Shipped, Delivered]),
        (OrderCommand::Confirm, &[NotPlaced, Cancelled, Shipped, Delivered]),
        (cancel("another reason"), &[NotPlaced, Cancelled, Shipped, Delivered]),
        (
            ship("another parcel"),
            &[NotPlaced, Created, Cancelled, Shipped, Delivered],
        ),
        (OrderCommand::Deliver, &[NotPlaced, Created, Confirmed, Cancelled]),
    ];
    for (command, refusing) in &refused {
        for (status, history) in &histories {
            let outcome = Scenario::<Order>::given(history.clone()).when(command);
            if refusing.contains(status) {
                outcome.rejected(OrderRejection::WrongState {
                    command: command.name(),
                    status: *status,
                });
            }
        }
    }
}

#[test]
fn an_order_without_lines_is_refused() {
    refuses_to_be_placed(order_of(vec![], euro(0)), OrderRejection::NoItems);
}

#[test]
fn a_line_needs_a_quantity_and_a_price_that_is_not_negative() {
    refuses_to_be_placed(
        order_of(vec![ordered("CUP", 0, euro(300))], euro(0)),
        OrderRejection::QuantityZero { sku: "CUP".into() },
    );
    refuses_to_be_placed(
        order_of(vec![ordered("CUP", 1, euro(-300))], euro(-300)),
        OrderRejection::NegativePrice { sku: "CUP".into() },
    );
    Scenario::<Order>::given([])
        .when(&order_of(vec![ordered("SAMPLE", 1, euro(0))], euro(0)))
        .then([OrderCreated {
            customer_id: "cus_7".into(),
            items: vec![Line {
                sku: "SAMPLE".into(),
                quantity: 1,
                unit_price_minor: 0,
            }],
            total: euro(0),
        }
        .into()]);
}

#[test]
fn the_total_is_the_sum_of_the_lines() {
    refuses_to_be_placed(
        order_of(vec![ordered("CUP", 2, euro(300))], euro(599)),
        OrderRejection::NotTheSum {
            total: euro(599),
            sum: euro(600),
        },
    );
}

#[test]
fn a_total_that_overflows_is_refused() {
    refuses_to_be_placed(
        order_of(vec![ordered("PALACE", 2, euro(i64::MAX))], euro(-2)),
        OrderRejection::TotalTooLarge,
    );
    let two_lines = vec![ordered("PALACE", 1, euro(i64::MAX)), ordered("CUP", 1, euro(1))];
    refuses_to_be_placed(order_of(two_lines, euro(i64::MIN)), OrderRejection::TotalTooLarge);
}

#[test]
fn an_order_has_one_currency() {
    let (dollar, euros) = (Currency::new("USD").unwrap(), Currency::new("EUR").unwrap());
    let lines = vec![
        ordered("CUP", 1, euro(300)),
        ordered("TEAPOT", 1, Money::new(300, dollar)),
    ];
    refuses_to_be_placed(
        order_of(lines, euro(600)),
        OrderRejection::MixedCurrencies {
            sku: "TEAPOT".into(),
            line: dollar,
            total: euros,
        },
    );
}

#[test]
fn the_state_survives_a_snapshot() {
    let history = [created(), confirmed(), shipped()];
    let state = history.iter().fold(OrderState::default(), Order::evolve);
    let written = serde_json::to_value(&state).unwrap();
    assert_eq!(
        written,
        json!({
            "status": "shipped",
            "customerId": "cus_7",
            "lines": [
                {"sku": "TEAPOT", "quantity": 2, "unitPriceMinor": 1250},
                {"sku": "CUP", "quantity": 4, "unitPriceMinor": 300},
            ],
            "total": {"minorUnits": 3700, "currency": "EUR"},
            "shipment": {"carrier": "DHL", "trackingId": "JD014600003"},
        })
    );
    assert_eq!(serde_json::from_value::<OrderState>(written).unwrap(), state);
}

#[test]
fn events_without_content_are_empty_objects_on_the_wire() {
    for (event, payload) in [
        (confirmed(), json!({})),
        (cancelled("out of stock"), json!({"reason": "out of stock"})),
        (shipped(), json!({"carrier": "DHL", "trackingId": "JD014600003"})),
        (delivered(), json!({})),
    ] {
        let stream = Aggregate::new("Order", "ord_1").unwrap();
        let new = event.to_new().unwrap();
        let stored = onecommit_event::Event::from_new(new, stream, Metadata::starting("c"), &Environment::system());
        let stored = stored.unwrap();
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(stored.payload().get()).unwrap(),
            payload
        );
        assert_eq!(OrderEvent::from_stored(&stored).unwrap(), Some(event));
    }
}

#[tokio::test]
async fn an_order_lives_in_the_event_store() {
    let tables = Arc::new(MemoryDatabase::default());
    let log = EventLog::new(Table::new("events"));
    let store = EventStore::new(tables, log, Environment::system());
    let stream = Aggregate::new(Order::AGGREGATE_TYPE, "ord_1").unwrap();
    let cause = Metadata::starting("request-1");
    for command in [create(), OrderCommand::Confirm, create(), cancel("payment was revoked")] {
        let _ = store.execute::<Order>(&stream, &command, &cause).await;
    }

    let order = store.load_from_snapshot::<Order>(&stream).await.unwrap();
    assert_eq!((order.version, order.state.status), (3, OrderStatus::Cancelled));
    assert_eq!(order.state.cancellation_reason.as_deref(), Some("payment was revoked"));
    let before = store.load_at_version::<Order>(&stream, 2).await.unwrap();
    assert_eq!(before.state.status, OrderStatus::Confirmed);
}
