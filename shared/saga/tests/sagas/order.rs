//! The order saga, as the business says it, and its events.

use std::time::Duration;

use onecommit_engine::Backoff;
use onecommit_event::{Event, Payload};
use onecommit_saga::{Answers, Command, Definition, DefinitionError, Saga, Start, Starts, step};
use serde::{Deserialize, Serialize};
use storefront_money::Money;

/// An order on its way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Order {
    pub(crate) order_id: String,
    pub(crate) customer_id: String,
    pub(crate) total: Money,
    pub(crate) payment_id: Option<String>,
}

pub(crate) fn order_saga() -> Result<Definition, DefinitionError> {
    Saga::named("OrderSaga", 1)
        .started_by::<Order, OrderCreated>()
        .compensatable(
            step(
                "reserve inventory",
                Command::of(Order::reserve_inventory)
                    .answered_by::<InventoryReserved>()
                    .refused_by::<OutOfStock>()
                    .within(Duration::from_secs(30)),
            )
            .compensated_by(
                Command::of(Order::release_inventory)
                    .answered_by::<InventoryReleased>()
                    .refused_by::<ReleaseFailed>()
                    .pausing(TEN_SECONDS),
            ),
        )
        .pivot(
            step(
                "take payment",
                Command::of(Order::take_payment)
                    .answered_by::<PaymentTaken>()
                    .refused_by::<PaymentDeclined>()
                    .attempts(2),
            )
            .undone_by(Command::of(Order::void_payment).answered_by::<PaymentVoided>()),
        )
        .retriable(step(
            "confirm order",
            Command::of(Order::confirm).answered_by::<OrderConfirmed>(),
        ))
        .retriable(step("notify customer", Command::of(Order::notify).unanswered()))
        .build()
}

const TEN_SECONDS: Backoff = Backoff {
    first: Duration::from_secs(10),
    longest: Duration::from_secs(10),
};

impl Order {
    pub(crate) fn reserve_inventory(&self) -> ReserveInventory {
        let order_id = self.order_id.clone();
        ReserveInventory { order_id }
    }

    pub(crate) fn release_inventory(&self) -> ReleaseInventory {
        let order_id = self.order_id.clone();
        ReleaseInventory { order_id }
    }

    pub(crate) fn take_payment(&self) -> TakePayment {
        let (order_id, amount) = (self.order_id.clone(), self.total);
        TakePayment { order_id, amount }
    }

    pub(crate) fn void_payment(&self) -> VoidPayment {
        VoidPayment {
            order_id: self.order_id.clone(),
            payment_id: self.payment_id.clone(),
        }
    }

    fn confirm(&self) -> ConfirmOrder {
        ConfirmOrder {
            order_id: self.order_id.clone(),
            payment_id: self.payment_id.clone(),
        }
    }

    fn notify(&self) -> NotifyCustomer {
        NotifyCustomer {
            order_id: self.order_id.clone(),
            customer_id: self.customer_id.clone(),
        }
    }
}

macro_rules! events {
    ($($name:ident { $($field:ident: $type:ty),* })*) => {$(
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub(crate) struct $name { $(pub(crate) $field: $type),* }

        impl Payload for $name {
            const EVENT_TYPE: &'static str = stringify!($name);
        }
    )*};
}

events! {
    OrderCreated { customer_id: String, total: Money }

    ReserveInventory { order_id: String }
    InventoryReserved { order_id: String }
    OutOfStock { order_id: String }
    ReleaseInventory { order_id: String }
    InventoryReleased { order_id: String }
    ReleaseFailed { order_id: String }

    TakePayment { order_id: String, amount: Money }
    PaymentTaken { order_id: String, payment_id: String }
    PaymentDeclined { order_id: String }
    VoidPayment { order_id: String, payment_id: Option<String> }
    PaymentVoided { order_id: String }

    ConfirmOrder { order_id: String, payment_id: Option<String> }
    OrderConfirmed { order_id: String }
    NotifyCustomer { order_id: String, customer_id: String }
}

impl Starts<Order> for OrderCreated {
    fn start(event: &Event<Self>) -> Option<Start<Order>> {
        let order_id = event.aggregate().id().to_owned();
        Some(Start {
            saga_id: order_id.clone(),
            data: Order {
                order_id,
                customer_id: event.payload().customer_id.clone(),
                total: event.payload().total,
                payment_id: None,
            },
        })
    }
}

macro_rules! name_their_order {
    ($($name:ident),*) => {$(
        impl Answers<Order> for $name {
            fn saga_id(event: &Event<Self>) -> String {
                event.payload().order_id.clone()
            }
        }
    )*};
}

name_their_order!(InventoryReserved, OutOfStock, InventoryReleased, ReleaseFailed);
name_their_order!(PaymentDeclined, PaymentVoided, OrderConfirmed);

impl Answers<Order> for PaymentTaken {
    fn saga_id(event: &Event<Self>) -> String {
        event.payload().order_id.clone()
    }

    fn apply(event: &Event<Self>, order: &mut Order) {
        order.payment_id = Some(event.payload().payment_id.clone());
    }
}
