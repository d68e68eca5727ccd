//! An order as its API shows it.

use onecommit_event::{Event, EventError, Payload};
use serde::Serialize;
use storefront_money::Money;

use crate::{Line, OrderRefused, OrderRequested, OrderShipped, OrderState, OrderStatus, OrderUnchanged};

/// What is known of an order.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrderView {
    pub(crate) order_id: String,
    pub(crate) status: &'static str,
    pub(crate) customer_id: String,
    pub(crate) items: Vec<Line>,
    pub(crate) total: Option<Money>,
    /// Why it was refused or cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) shipment: Option<OrderShipped>,
}

impl OrderView {
    /// An order that was placed.
    pub(crate) fn of(order_id: String, order: OrderState) -> Self {
        Self {
            order_id,
            status: match order.status {
                OrderStatus::NotPlaced => REQUESTED,
                OrderStatus::Created => "created",
                OrderStatus::Confirmed => "confirmed",
                OrderStatus::Cancelled => CANCELLED,
                OrderStatus::Shipped => "shipped",
                OrderStatus::Delivered => "delivered",
            },
            customer_id: order.customer_id,
            items: order.lines,
            total: order.total,
            reason: order.cancellation_reason,
            shipment: order.shipment,
        }
    }

    /// An order that was asked for and is not placed, or never will be; `None` when nobody asked for it.
    ///
    /// # Errors
    /// When an event is not what its type promises.
    pub(crate) fn of_request(order_id: String, events: &[Event]) -> Result<Option<Self>, EventError> {
        let Some(request) = events.iter().find(|event| is::<OrderRequested>(event)) else {
            return Ok(None);
        };
        let request = request.decode::<OrderRequested>()?.into_payload();
        let mut view = Self {
            order_id,
            status: REQUESTED,
            customer_id: request.customer_id,
            items: request.items,
            total: Some(request.total),
            reason: None,
            shipment: None,
        };
        for event in events {
            if is::<OrderRefused>(event) {
                view.status = "refused";
                view.reason = Some(event.decode::<OrderRefused>()?.into_payload().reason);
            } else if is::<OrderUnchanged>(event) {
                // The saga turned back before the order was placed.
                view.status = CANCELLED;
            }
        }
        Ok(Some(view))
    }
}

const REQUESTED: &str = "requested";
const CANCELLED: &str = "cancelled";

fn is<P: Payload>(event: &Event) -> bool {
    event.event_type() == P::EVENT_TYPE
}
