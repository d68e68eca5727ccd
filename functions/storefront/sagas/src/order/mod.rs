//! The order: placed, reserved, paid, confirmed, told - or cancelled, with the goods back on the shelf and no money taken.

mod answers;
mod commands;

use onecommit_saga::{Command, Definition, DefinitionError, Saga, step};
use serde::{Deserialize, Serialize};
use storefront_catalog::{
    InventoryRefused, InventoryReleased, InventoryReserved, InventoryUnchanged, ReleaseInventory, ReserveInventory,
};
use storefront_money::Money;
use storefront_notifications::{CustomerNotified, NotificationUnchanged, NotifyCustomer};
use storefront_orders::{
    CancelOrder, ConfirmOrder, CreateOrder, Line, OrderCancellationRequested, OrderCancelled, OrderConfirmed,
    OrderCreated, OrderRefused, OrderRequested, OrderUnchanged,
};
use storefront_payments::{
    CapturePayment, PaymentDeclined, PaymentProcessed, PaymentRefunded, PaymentUnchanged, RefundPayment,
};

use crate::deadlines::Deadlines;

/// The saga's name, which is the `aggregateType` of its commands.
pub const ORDER_SAGA: &str = "OrderSaga";

/// What the saga of an order knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderSaga {
    /// The order, whose id is the saga's.
    pub order_id: String,
    /// Who orders.
    pub customer_id: String,
    /// What is ordered.
    pub items: Vec<Line>,
    /// What it costs in all.
    pub total: Money,
    /// How the customer pays.
    pub payment_method: String,
    /// Why the order is not to be, once somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The order saga. Its id is the order's.
///
/// # Errors
/// See [`DefinitionError`]; the crate's tests build it.
pub fn order_saga(deadlines: &Deadlines) -> Result<Definition, DefinitionError> {
    let Deadlines {
        answer,
        payment,
        pause,
        attempts,
        undo_attempts,
    } = *deadlines;
    Saga::named(ORDER_SAGA, 1)
        .started_by::<OrderSaga, OrderRequested>()
        .cancelled_by::<OrderCancellationRequested>()
        .compensatable(
            step(
                "create order",
                Command::of::<CreateOrder>(OrderSaga::create)
                    .answered_by::<OrderCreated>()
                    .answered_by::<OrderUnchanged>()
                    .refused_by::<OrderRefused>()
                    .within(answer)
                    .attempts(attempts)
                    .until_answered(),
            )
            .compensated_by(
                Command::of::<CancelOrder>(OrderSaga::cancel)
                    .answered_by::<OrderCancelled>()
                    .answered_by::<OrderUnchanged>()
                    .refused_by::<OrderRefused>()
                    .within(answer)
                    .attempts(undo_attempts)
                    .pausing(pause),
            ),
        )
        .compensatable(
            step(
                "reserve inventory",
                Command::of::<ReserveInventory>(OrderSaga::reserve)
                    .answered_by::<InventoryReserved>()
                    .answered_by::<InventoryUnchanged>()
                    .refused_by::<InventoryRefused>()
                    .within(answer)
                    .attempts(attempts)
                    .until_answered(),
            )
            .compensated_by(
                Command::of::<ReleaseInventory>(OrderSaga::release)
                    .answered_by::<InventoryReleased>()
                    .answered_by::<InventoryUnchanged>()
                    .within(answer)
                    .attempts(undo_attempts),
            ),
        )
        .pivot(
            step(
                "take payment",
                Command::of::<CapturePayment>(OrderSaga::capture)
                    .answered_by::<PaymentProcessed>()
                    .answered_by::<PaymentUnchanged>()
                    .refused_by::<PaymentDeclined>()
                    .within(payment)
                    .attempts(attempts),
            )
            .undone_by(
                Command::of::<RefundPayment>(OrderSaga::refund)
                    .answered_by::<PaymentRefunded>()
                    .answered_by::<PaymentUnchanged>()
                    .within(payment)
                    .attempts(undo_attempts),
            ),
        )
        .retriable(step(
            "confirm order",
            Command::of::<ConfirmOrder>(OrderSaga::confirm)
                .answered_by::<OrderConfirmed>()
                .answered_by::<OrderUnchanged>()
                .refused_by::<OrderRefused>()
                .within(answer)
                .attempts(attempts)
                .pausing(pause),
        ))
        .retriable(step(
            "notify customer",
            Command::of::<NotifyCustomer>(OrderSaga::notify)
                .answered_by::<CustomerNotified>()
                .answered_by::<NotificationUnchanged>()
                .within(answer)
                .attempts(attempts),
        ))
        .build()
}
