//! Events of the storefront, each about things of its own.

use onecommit_environment::Environment;
use onecommit_event::Event;
use onecommit_testing::an_event;
use serde_json::{Value, json};
use storefront_money::{Currency, Money};
use storefront_orders::{Line, OrderCreated};
use storefront_payments::PaymentProcessed;

use crate::canaries::{CARD, EMAIL, NAME, PHONE};

/// A text that is nowhere else.
pub(crate) fn unique(prefix: &str) -> String {
    format!("{prefix}_{}", Environment::system().ids().next())
}

/// Somebody ordered two teapots for 25 euros.
pub(crate) fn order_created() -> Event {
    order_created_with("TEAPOT-RED")
}

/// Somebody ordered two of a product for 25 euros.
pub(crate) fn order_created_with(sku: &str) -> Event {
    let items = vec![Line {
        sku: sku.to_owned(),
        quantity: 2,
        unit_price_minor: 1_250,
    }];
    let order = OrderCreated {
        customer_id: unique("cus"),
        items,
        total: euros(2_500),
    };
    with_canaries(&an_event("Order", &unique("ord"), order))
}

/// The event with private data in fields that no handler knows: nothing may quote it, whatever becomes of the event.
fn with_canaries(event: &Event) -> Event {
    let mut event = json_of(event);
    event["payload"]["card"] = CARD.into();
    event["payload"]["invoice"] = json!({"name": NAME, "email": EMAIL, "phone": PHONE});
    Event::from_json(&event.to_string()).unwrap()
}

/// So much was paid for an order.
pub(crate) fn payment_processed(order_id: &str, minor_units: i64) -> Event {
    let payment_id = unique("pay");
    let payment = PaymentProcessed {
        payment_id: payment_id.clone(),
        order_id: order_id.to_owned(),
        amount: euros(minor_units),
    };
    with_canaries(&an_event("Payment", &payment_id, payment))
}

fn euros(minor_units: i64) -> Money {
    Money::new(minor_units, Currency::new("EUR").unwrap())
}

/// The event as JSON, to be bent out of shape.
pub(crate) fn json_of(event: &Event) -> Value {
    serde_json::from_str(&event.to_json()).unwrap()
}
