//! The API of orders.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use onecommit_event::{Aggregate, Event, EventError, EventId, Metadata, NewEvent, Payload};
use onecommit_event_store::{AppendError, Decider, DomainEvent, StoreError};
use onecommit_http::{ApiError, Json, Preconditions, with_version};
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use storefront_money::Money;
use tracing::error;

use crate::service::request::{PlaceOrder, Problem, differences};
use crate::service::status::{OrderView, PlacedStream};
use crate::service::{Orders, order, request_for};
use crate::{
    Order, OrderCancellationRequested, OrderCommand, OrderEvent, OrderRejection, OrderRequested, OrderShipped,
    OrderStatus,
};

/// The routes of this API, lists of orders included, for its description.
#[cfg(feature = "openapi")]
#[derive(utoipa::OpenApi)]
#[openapi(paths(place, show, history, ship, deliver, cancel, crate::service::list_api::list))]
pub(crate) struct Described;

pub(crate) fn router(orders: Orders) -> Router {
    Router::new()
        .route("/orders", post(place))
        .route("/orders/{id}", get(show))
        .route("/orders/{id}/events", get(history))
        .route("/orders/{id}/shipment", post(ship))
        .route("/orders/{id}/delivery", post(deliver))
        .route("/orders/{id}/cancellation", post(cancel))
        .with_state(orders)
}

/// Takes an order: one request to the database when it is new. The same order id again is answered from what is there.
#[cfg_attr(
    feature = "openapi",
    utoipa::path(post, path = "/orders", summary = "Place an order", request_body(content = PlaceOrder, example = json!({"orderId": "ord_1", "customerId": "cus_1", "items": [{"sku": "teapot", "quantity": 2, "unitPriceMinor": 1250}], "currency": "EUR", "paymentMethod": "card"})), responses((status = 202, description = "The order is requested.", body = Placed), (status = 200, description = "The same was requested before.", body = Placed)))
)]
async fn place(State(orders): State<Orders>, Json(wanted): Json<PlaceOrder>) -> Result<Response, ApiError> {
    let given_id = wanted.order_id.clone();
    let requested = match wanted.checked() {
        Ok(requested) => requested,
        Err(problems) => return Ok(not_valid(&problems)),
    };
    let order_id = given_id.unwrap_or_else(|| format!("ord_{}", orders.0.environment.ids().next()));
    let status = match orders.append_request(&order_id, &requested).await? {
        Requested::Now => StatusCode::ACCEPTED,
        Requested::Before(earlier) => {
            let differing = differences(&earlier, &requested);
            if !differing.is_empty() {
                return Err(ApiError::conflict(
                    "orderIdTaken",
                    format!(
                        "order {order_id} was requested before with other {}; give a new order its own id",
                        differing.join(", ")
                    ),
                ));
            }
            StatusCode::OK
        }
    };
    let location = format!("/orders/{order_id}");
    let total = requested.total;
    let body = Json(Placed { order_id, total });
    Ok((status, [(LOCATION, location)], body).into_response())
}

/// What was asked for.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct Placed {
    order_id: String,
    total: Money,
}

/// An order that is not placed has no version yet, and so no entity tag: it changes with the answers to its request.
#[cfg_attr(
    feature = "openapi",
    utoipa::path(get, path = "/orders/{id}", summary = "An order", params(("id" = String, Path, min_length = 1, example = "ord_1"), ("If-None-Match" = Option<String>, Header, description = "A version that the caller has.")), responses((status = 200, description = "The order; as long as it is not placed it has no version.", body = OrderView)))
)]
async fn show(
    State(orders): State<Orders>,
    Path(id): Path<String>,
    preconditions: Preconditions,
) -> Result<Response, ApiError> {
    if let Some(placed) = orders.placed(&id).await? {
        return Ok(preconditions.answer(placed.version, Json(OrderView::of(id, placed))));
    }
    let events = orders.events_of(&request_for(&id).map_err(unknown)?).await?;
    let view = OrderView::of_request(id, &events).map_err(fault)?;
    view.map(|view| Json(view).into_response()).ok_or_else(unknown_order)
}

/// Events as they are stored: as values, their numbers would be rounded.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct History {
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    events: Vec<Box<RawValue>>,
}

/// The request and what answered the saga without changing the order, then what happened to the order.
#[cfg_attr(
    feature = "openapi",
    utoipa::path(get, path = "/orders/{id}/events", operation_id = "events", summary = "The events of an order", params(("id" = String, Path, min_length = 1, example = "ord_1")), responses((status = 200, description = "The request and what answered it, then what happened to the order.", body = History)))
)]
async fn history(State(orders): State<Orders>, Path(id): Path<String>) -> Result<Json<History>, ApiError> {
    let mut events = orders.events_of(&request_for(&id).map_err(unknown)?).await?;
    events.extend(orders.events_of(&order(&id).map_err(unknown)?).await?);
    if events.is_empty() {
        return Err(unknown_order());
    }
    let texts = events.iter().map(|event| RawValue::from_string(event.to_json()));
    let events = texts.collect::<Result<_, _>>().map_err(fault)?;
    Ok(Json(History { events }))
}

#[cfg_attr(
    feature = "openapi",
    utoipa::path(post, path = "/orders/{id}/shipment", summary = "An order was handed to a carrier", params(("id" = String, Path, min_length = 1, example = "ord_1"), ("If-Match" = Option<String>, Header, description = "Only this version.")), request_body(content = Shipment, example = json!({"carrier": "DHL", "trackingId": "JD014600003878"})), responses((status = 200, description = "The order from now on.", body = OrderView)))
)]
async fn ship(
    State(orders): State<Orders>,
    Path(id): Path<String>,
    preconditions: Preconditions,
    Json(Shipment { carrier, tracking_id }): Json<Shipment>,
) -> Result<Response, ApiError> {
    let shipment = OrderShipped { carrier, tracking_id };
    let is_valid = |text: &str| !text.is_empty() && text.len() <= WORDS_BYTES_MAX;
    if !is_valid(&shipment.carrier) || !is_valid(&shipment.tracking_id) {
        return Err(unprocessable(
            "invalidShipment",
            "a shipment has a carrier and a trackingId, each of",
        ));
    }
    orders.execute(id, &OrderCommand::Ship(shipment), &preconditions).await
}

#[cfg_attr(
    feature = "openapi",
    utoipa::path(post, path = "/orders/{id}/delivery", summary = "An order reached its customer", params(("id" = String, Path, min_length = 1, example = "ord_1"), ("If-Match" = Option<String>, Header, description = "Only this version.")), responses((status = 200, description = "The order from now on.", body = OrderView)))
)]
async fn deliver(
    State(orders): State<Orders>,
    Path(id): Path<String>,
    preconditions: Preconditions,
) -> Result<Response, ApiError> {
    orders.execute(id, &OrderCommand::Deliver, &preconditions).await
}

/// What fulfilment says of a shipment.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct Shipment {
    /// 1 to 256 bytes.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 256))]
    carrier: String,
    /// 1 to 256 bytes.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 256))]
    tracking_id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct Cancellation {
    /// 1 to 256 bytes.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 256))]
    reason: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct Cancelling {
    order_id: String,
    /// `requested`.
    cancellation: &'static str,
}

/// Asks the saga to turn back. It may be past its pivot by then: what becomes of the order is shown by `GET`.
#[cfg_attr(
    feature = "openapi",
    utoipa::path(post, path = "/orders/{id}/cancellation", summary = "Ask for an order to be cancelled", params(("id" = String, Path, min_length = 1, example = "ord_1"), ("If-Match" = Option<String>, Header, description = "Only this version.")), request_body(content = Cancellation, example = json!({"reason": "changed my mind"})), responses((status = 202, description = "It is asked for; what becomes of it, the order shows.", body = Cancelling), (status = 200, description = "The order is cancelled already.", body = OrderView)))
)]
async fn cancel(
    State(orders): State<Orders>,
    Path(id): Path<String>,
    preconditions: Preconditions,
    Json(Cancellation { reason }): Json<Cancellation>,
) -> Result<Response, ApiError> {
    if reason.is_empty() || reason.len() > WORDS_BYTES_MAX {
        return Err(unprocessable("invalidReason", "a reason has"));
    }
    let placed = orders.placed(&id).await?;
    preconditions.check(placed.as_ref().map(|placed| placed.version))?;
    if let Some(placed) = placed {
        match placed.state.status {
            OrderStatus::NotPlaced | OrderStatus::Created => {}
            OrderStatus::Cancelled => return Ok(shown(id, placed)),
            status @ (OrderStatus::Confirmed | OrderStatus::Shipped | OrderStatus::Delivered) => {
                return Err(ApiError::conflict(
                    "orderConfirmed",
                    format!("order {id} is {status} and cannot be cancelled any more; it can be returned"),
                ));
            }
        }
    }
    orders.append_cancellation(&id, reason).await?;
    let body = Cancelling {
        order_id: id,
        cancellation: "requested",
    };
    Ok((StatusCode::ACCEPTED, Json(body)).into_response())
}

/// Whether this request is the one that counts.
enum Requested {
    Now,
    Before(OrderRequested),
}

/// The longest words that others may leave in an order's history, in bytes.
const WORDS_BYTES_MAX: usize = 256;

/// How often something is appended anew because something else was quicker.
const APPENDS_MAX: u32 = 5;

impl Orders {
    /// The order, if it is placed. Its events are folded here, because the first of them says when it was placed.
    async fn placed(&self, id: &str) -> Result<Option<PlacedStream>, ApiError> {
        let events = self.events_of(&order(id).map_err(unknown)?).await?;
        let mut placed = None;
        for event in &events {
            let known = OrderEvent::from_stored(event).map_err(fault)?;
            let happened = known.ok_or_else(|| newer(event))?;
            placed = Some(PlacedStream::after(placed, event.timestamp(), &happened));
        }
        Ok(placed)
    }

    async fn events_of(&self, stream: &Aggregate) -> Result<Vec<Event>, ApiError> {
        self.0.store.read(stream, 1).all().await.map_err(not_read)
    }

    /// Nothing is read first: that the stream is empty is the append's own condition.
    async fn append_request(&self, id: &str, requested: &OrderRequested) -> Result<Requested, ApiError> {
        let stream = request_for(id).map_err(fault)?;
        let event = NewEvent::of(requested).map_err(fault)?;
        let event_id = EventId::new(&self.0.environment);
        let metadata = Metadata {
            user_id: Some(requested.customer_id.clone()),
            ..Metadata::starting(event_id.to_string())
        };
        let appended = self
            .0
            .store
            .append(&stream, 0, vec![event.with_id(event_id)], &metadata)
            .await;
        match appended {
            Ok(_) => Ok(Requested::Now),
            Err(AppendError::VersionConflict { .. }) => {
                let events = self.events_of(&stream).await?;
                let first = events.first().ok_or_else(ApiError::internal)?;
                match first.decode::<OrderRequested>() {
                    Ok(earlier) if first.event_type() == OrderRequested::EVENT_TYPE => {
                        Ok(Requested::Before(earlier.into_payload()))
                    }
                    _ => Err(ApiError::conflict(
                        "orderIdTaken",
                        "an order with this id exists; give a new order its own id",
                    )),
                }
            }
            Err(error) => Err(not_appended(error)),
        }
    }

    async fn append_cancellation(&self, id: &str, reason: String) -> Result<(), ApiError> {
        let stream = request_for(id).map_err(unknown)?;
        let request = OrderCancellationRequested {
            order_id: id.to_owned(),
            reason,
        };
        let mut appends = 1;
        loop {
            let events = self.events_of(&stream).await?;
            let requested = events.first().ok_or_else(unknown_order)?;
            if events.iter().any(is_cancellation) {
                return Ok(());
            }
            let event = NewEvent::of(&request).map_err(fault)?;
            let origin = requested.metadata();
            let metadata = Metadata {
                user_id: origin.user_id.clone(),
                ..Metadata::caused_by(origin.correlation_id.clone(), requested.id().to_string())
            };
            let version = events.len() as u64;
            match self.0.store.append(&stream, version, vec![event], &metadata).await {
                Ok(_) => return Ok(()),
                Err(AppendError::VersionConflict { .. }) if appends < APPENDS_MAX => appends += 1,
                Err(error) => return Err(not_appended(error)),
            }
        }
    }

    /// Fulfilment's commands. The same one again is answered by the order as it is.
    ///
    /// What the caller demands of the version is judged by the events that the decision is made on, and the decision is
    /// appended after exactly those.
    async fn execute(
        &self,
        id: String,
        command: &OrderCommand,
        preconditions: &Preconditions,
    ) -> Result<Response, ApiError> {
        let stream = order(&id).map_err(unknown)?;
        let metadata = Metadata::starting(EventId::new(&self.0.environment).to_string());
        let mut appends = 1;
        loop {
            let placed = self.placed(&id).await?.ok_or_else(unknown_order)?;
            preconditions.check(Some(placed.version))?;
            let happened = Order::decide(&placed.state, command).map_err(refused)?;
            let new = happened.iter().map(DomainEvent::to_new).collect::<Result<Vec<_>, _>>();
            match self
                .0
                .store
                .append(&stream, placed.version, new.map_err(fault)?, &metadata)
                .await
            {
                Ok(_) => {
                    let created_at = placed.created_at;
                    let next = |placed, happened| PlacedStream::after(Some(placed), created_at, happened);
                    return Ok(shown(id, happened.iter().fold(placed, next)));
                }
                Err(AppendError::VersionConflict { .. }) if appends < APPENDS_MAX => appends += 1,
                Err(error) => return Err(not_appended(error)),
            }
        }
    }
}

/// The order with its version as entity tag.
fn shown(id: String, placed: PlacedStream) -> Response {
    with_version(placed.version, Json(OrderView::of(id, placed)))
}

fn refused(rejection: OrderRejection) -> ApiError {
    ApiError::conflict("wrongState", rejection.to_string())
}

/// An event that only newer code knows.
fn newer(event: &Event) -> ApiError {
    error!(event.id = %event.id(), event.type = event.event_type(), "event of an order has an unknown type");
    ApiError::internal()
}

fn is_cancellation(event: &Event) -> bool {
    event.event_type() == OrderCancellationRequested::EVENT_TYPE
}

fn not_valid(problems: &[Problem]) -> Response {
    let said: Vec<String> = problems
        .iter()
        .map(|problem| format!("{}: {}", problem.field, problem.message))
        .collect();
    let error = ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalidOrder", said.join("; "));
    error.with("problems", json!(problems)).into_response()
}

fn unprocessable(code: &'static str, what: &str) -> ApiError {
    let message = format!("{what} 1 to {WORDS_BYTES_MAX} bytes");
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, code, message)
}

fn unknown_order() -> ApiError {
    ApiError::not_found("unknownOrder", "there is no such order")
}

/// An id that cannot be one is nobody's.
fn unknown(_: EventError) -> ApiError {
    unknown_order()
}

fn not_read(error: StoreError) -> ApiError {
    match error {
        StoreError::Database(error) => error.into(),
        other => fault(other),
    }
}

fn not_appended(error: AppendError) -> ApiError {
    match error {
        AppendError::VersionConflict { .. } => {
            ApiError::unavailable("the order was changed at the same time, several times; send the same request again")
        }
        AppendError::Store(error) => not_read(error),
        other => fault(other),
    }
}

fn fault(error: impl std::error::Error) -> ApiError {
    error!(error = %error, "request for an order failed");
    ApiError::internal()
}
