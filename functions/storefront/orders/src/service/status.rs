//! An order as its API shows it.

use onecommit_event::{Event, EventError, Payload, Timestamp};
use onecommit_event_store::Decider;
use serde::Serialize;
use storefront_money::Money;

use crate::{
    Line, Order, OrderEvent, OrderRefused, OrderRequested, OrderShipped, OrderState, OrderStatus, OrderUnchanged,
};

/// What the stream of an order that was placed adds up to.
pub(crate) struct PlacedStream {
    pub(crate) state: OrderState,
    /// When its first event happened.
    pub(crate) created_at: Timestamp,
    /// How many events it has.
    pub(crate) version: u64,
}

impl PlacedStream {
    /// After one more event; `moment` is the time of the first one.
    pub(crate) fn after(before: Option<Self>, moment: Timestamp, happened: &OrderEvent) -> Self {
        let start = || Self {
            state: OrderState::default(),
            created_at: moment,
            version: 0,
        };
        let Self {
            state,
            created_at,
            version,
        } = before.unwrap_or_else(start);
        Self {
            state: Order::evolve(state, happened),
            created_at,
            version: version + 1,
        }
    }
}

/// What is known of an order.
#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Order))]
pub(crate) struct OrderView {
    pub(crate) order_id: String,
    /// `requested` and `refused` before it is placed; then `created`, `confirmed`, `shipped`, `delivered`; or `cancelled`.
    pub(crate) status: &'static str,
    pub(crate) customer_id: String,
    pub(crate) items: Vec<Line>,
    pub(crate) total: Option<Money>,
    /// Why it was refused or cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) shipment: Option<OrderShipped>,
    /// When it was placed, in RFC 3339; as long as it is not, when it was asked for.
    pub(crate) created_at: String,
    /// How many events its stream has: 0 as long as it is not placed.
    pub(crate) version: u64,
}

impl OrderView {
    /// An order that was placed.
    pub(crate) fn of(order_id: String, placed: PlacedStream) -> Self {
        let order = placed.state;
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
            created_at: placed.created_at.to_string(),
            version: placed.version,
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
        let created_at = request.timestamp().to_string();
        let request = request.decode::<OrderRequested>()?.into_payload();
        let mut view = Self {
            order_id,
            status: REQUESTED,
            customer_id: request.customer_id,
            items: request.items,
            total: Some(request.total),
            reason: None,
            shipment: None,
            created_at,
            version: 0,
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
