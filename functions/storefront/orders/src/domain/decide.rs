use onecommit_event_store::Decider;
use storefront_money::{Money, MoneyError};

use crate::OrderRejection;
use crate::{Line, OrderCancelled, OrderConfirmed, OrderCreated, OrderDelivered, OrderEvent, OrderShipped};
use crate::{NewOrder, OrderCommand, OrderedLine};
use crate::{OrderState, OrderStatus};

/// The order.
///
/// ```
/// use storefront_orders::{Order, OrderCommand, OrderConfirmed, OrderCreated};
/// use storefront_money::{Currency, Money};
/// use onecommit_event_store::Scenario;
///
/// let created = OrderCreated {
///     customer_id: "cus_7".into(),
///     items: Vec::new(),
///     total: Money::new(2_500, Currency::new("EUR")?),
/// };
/// Scenario::<Order>::given([created.into()])
///     .when(&OrderCommand::Confirm)
///     .then([OrderConfirmed {}.into()]);
/// # Ok::<(), storefront_money::MoneyError>(())
/// ```
pub struct Order;

impl Decider for Order {
    const AGGREGATE_TYPE: &'static str = "Order";
    type State = OrderState;
    type Command = OrderCommand;
    type Event = OrderEvent;
    type Rejection = OrderRejection;

    fn decide(order: &OrderState, command: &OrderCommand) -> Result<Vec<OrderEvent>, OrderRejection> {
        use OrderStatus::{Cancelled, Confirmed, Created, Delivered, NotPlaced, Shipped};
        let event = match (order.status, command) {
            (NotPlaced, OrderCommand::Create(new)) => created(new)?.into(),
            (Created, OrderCommand::Confirm) => OrderConfirmed {}.into(),
            (Created | Confirmed, OrderCommand::Cancel(cancelled)) => cancelled.clone().into(),
            (Confirmed, OrderCommand::Ship(shipped)) => shipped.clone().into(),
            (Shipped, OrderCommand::Deliver) => OrderDelivered {}.into(),

            (Created, OrderCommand::Create(new)) if was_placed(order, new) => return Ok(Vec::new()),
            (Confirmed, OrderCommand::Confirm) | (Delivered, OrderCommand::Deliver) => return Ok(Vec::new()),
            (Cancelled, OrderCommand::Cancel(OrderCancelled { reason }))
                if order.cancellation_reason.as_ref() == Some(reason) =>
            {
                return Ok(Vec::new());
            }
            (Shipped, OrderCommand::Ship(shipped)) if order.shipment.as_ref() == Some(shipped) => {
                return Ok(Vec::new());
            }

            (status, command) => {
                return Err(OrderRejection::WrongState {
                    command: command.name(),
                    status,
                });
            }
        };
        Ok(vec![event])
    }

    fn evolve(order: OrderState, event: &OrderEvent) -> OrderState {
        match event {
            OrderEvent::Created(created) => placed(created),
            OrderEvent::Confirmed(OrderConfirmed {}) => OrderState {
                status: OrderStatus::Confirmed,
                ..order
            },
            OrderEvent::Cancelled(OrderCancelled { reason }) => OrderState {
                status: OrderStatus::Cancelled,
                cancellation_reason: Some(reason.clone()),
                ..order
            },
            OrderEvent::Shipped(shipped) => OrderState {
                status: OrderStatus::Shipped,
                shipment: Some(OrderShipped::clone(shipped)),
                ..order
            },
            OrderEvent::Delivered(OrderDelivered {}) => OrderState {
                status: OrderStatus::Delivered,
                ..order
            },
        }
    }
}

fn placed(created: &OrderCreated) -> OrderState {
    OrderState {
        status: OrderStatus::Created,
        customer_id: created.customer_id.clone(),
        lines: created.items.clone(),
        total: Some(created.total),
        ..OrderState::default()
    }
}

/// Whether the order is the one that is wanted: somebody asks again.
fn was_placed(order: &OrderState, new: &NewOrder) -> bool {
    created(new).is_ok_and(|created| *order == placed(&created))
}

fn created(new: &NewOrder) -> Result<OrderCreated, OrderRejection> {
    check_total(new)?;
    Ok(OrderCreated {
        customer_id: new.customer_id.clone(),
        items: new.lines.iter().map(line).collect(),
        total: new.total,
    })
}

fn line(ordered: &OrderedLine) -> Line {
    Line {
        sku: ordered.sku.clone(),
        quantity: ordered.quantity,
        unit_price_minor: ordered.unit_price.minor_units(),
    }
}

fn check_total(new: &NewOrder) -> Result<(), OrderRejection> {
    if new.lines.is_empty() {
        return Err(OrderRejection::NoItems);
    }
    let mut sum = Money::new(0, new.total.currency());
    for line in &new.lines {
        check_line(line)?;
        let price = line.unit_price.times(i64::from(line.quantity));
        sum = price.and_then(|price| sum.plus(price)).map_err(|error| match error {
            MoneyError::TwoCurrencies(total, other) => OrderRejection::MixedCurrencies {
                sku: line.sku.clone(),
                line: other,
                total,
            },
            MoneyError::Overflow | MoneyError::NoCurrency => OrderRejection::TotalTooLarge,
        })?;
    }
    if sum == new.total {
        Ok(())
    } else {
        Err(OrderRejection::NotTheSum { total: new.total, sum })
    }
}

fn check_line(line: &OrderedLine) -> Result<(), OrderRejection> {
    if line.quantity == 0 {
        return Err(OrderRejection::QuantityZero { sku: line.sku.clone() });
    }
    if line.unit_price.minor_units() < 0 {
        return Err(OrderRejection::NegativePrice { sku: line.sku.clone() });
    }
    Ok(())
}
