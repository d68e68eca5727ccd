//! What the contexts say to the saga. Everything names its order; only refusals say something worth remembering.

use onecommit_event::Event;
use onecommit_saga::{Answers, Cancels, Start, Starts};
use storefront_catalog::{InventoryRefused, InventoryReleased, InventoryReserved, InventoryUnchanged, RefusalReason};
use storefront_notifications::{CustomerNotified, NotificationUnchanged};
use storefront_orders::{
    OrderCancellationRequested, OrderCancelled, OrderConfirmed, OrderCreated, OrderRefused, OrderRequested,
    OrderUnchanged,
};
use storefront_payments::{PaymentDeclined, PaymentProcessed, PaymentRefunded, PaymentUnchanged};

use super::OrderSaga;

impl Starts<OrderSaga> for OrderRequested {
    fn start(event: &Event<Self>) -> Option<Start<OrderSaga>> {
        let order_id = event.aggregate().id().to_owned();
        let requested = event.payload();
        Some(Start {
            saga_id: order_id.clone(),
            data: OrderSaga {
                order_id,
                customer_id: requested.customer_id.clone(),
                items: requested.items.clone(),
                total: requested.total,
                payment_method: requested.payment_method.clone(),
                reason: None,
            },
        })
    }
}

impl Cancels<OrderSaga> for OrderCancellationRequested {
    fn saga_id(event: &Event<Self>) -> String {
        event.payload().order_id.clone()
    }

    fn reason(event: &Event<Self>) -> String {
        event.payload().reason.clone()
    }
}

/// What happens to an order says so by its aggregate.
macro_rules! happen_to_the_order {
    ($($name:ident),*) => {$(
        impl Answers<OrderSaga> for $name {
            fn saga_id(event: &Event<Self>) -> String {
                event.aggregate().id().to_owned()
            }
        }
    )*};
}

happen_to_the_order!(OrderCreated, OrderCancelled, OrderConfirmed);

macro_rules! name_the_order {
    ($($name:ident),*) => {$(
        impl Answers<OrderSaga> for $name {
            fn saga_id(event: &Event<Self>) -> String {
                event.payload().order_id.clone()
            }
        }
    )*};
}

name_the_order!(
    OrderUnchanged,
    InventoryReserved,
    InventoryReleased,
    InventoryUnchanged,
    PaymentProcessed,
    PaymentRefunded,
    PaymentUnchanged,
    CustomerNotified,
    NotificationUnchanged
);

macro_rules! say_why {
    ($($name:ident: $why:expr),* $(,)?) => {$(
        impl Answers<OrderSaga> for $name {
            fn saga_id(event: &Event<Self>) -> String {
                event.payload().order_id.clone()
            }

            fn apply(event: &Event<Self>, order: &mut OrderSaga) {
                let why: fn(&Self) -> String = $why;
                order.reason.get_or_insert_with(|| why(event.payload()));
            }
        }
    )*};
}

say_why! {
    OrderRefused: |refused| refused.reason.clone(),
    InventoryRefused: |refused| {
        let product = refused.sku.as_deref().unwrap_or("of the order");
        match refused.reason {
            RefusalReason::OutOfStock => format!("product {product} is out of stock"),
            RefusalReason::UnknownProduct => format!("there is no product {product}"),
            RefusalReason::PriceChanged => format!("product {product} has another price now"),
            RefusalReason::InvalidItems => format!("product {product} cannot be ordered like this"),
            RefusalReason::Released => "its goods were released before they were reserved".to_owned(),
        }
    },
    PaymentDeclined: |declined| format!("the payment was declined: {}", declined.reason.as_str()),
}
