use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, HeaderMap, LOCATION};
use axum::http::{HeaderName, StatusCode};
use axum::response::sse::Sse;
use axum::response::{IntoResponse, Response};
use onecommit_http::{ApiError, Json};

use crate::bff::Bff;
use crate::ordering::{IdempotencyKey, WantedOrder, place as place_order};
use crate::owned::owned_order;
use crate::request::Asked;
use crate::session::Caller;
use crate::shown::Shown;
use crate::updates::{Cursor, Watched, is_final};

/// Tells proxies such as nginx to pass each part of an answer on at once.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// `POST /orders`: 202, and 200 when it was placed before.
pub(super) async fn place(
    State(bff): State<Bff>,
    caller: Caller,
    asked: Asked,
    headers: HeaderMap,
    Json(wanted): Json<WantedOrder>,
) -> Result<Response, ApiError> {
    let key = IdempotencyKey::of(&headers)?;
    let placed = place_order(bff.services(), caller.user_id(), &key, &wanted, &asked.context).await?;
    let status = match placed.is_new {
        true => StatusCode::ACCEPTED,
        false => StatusCode::OK,
    };
    let location = format!("/orders/{}", placed.order_id);
    Ok((status, [(LOCATION, location)], Json(placed)).into_response())
}

/// `GET /orders/{id}`: the order, of its owner alone.
pub(super) async fn show(
    State(bff): State<Bff>,
    caller: Caller,
    asked: Asked,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let order = owned_order(&bff, &caller, &asked, &id).await?;
    Ok(Json(Shown::from(&order)).into_response())
}

/// `GET /orders/{id}/updates`: the order as it is now, unless `Last-Event-ID` says that it was seen, and then each change.
pub(super) async fn updates(
    State(bff): State<Bff>,
    caller: Caller,
    asked: Asked,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let order = owned_order(&bff, &caller, &asked, &id).await?;
    let seen = Cursor::seen_by(&headers);
    if is_final(&order) && seen.as_ref() == Some(&Cursor::of(&order)) {
        // Nothing comes any more; `EventSource` does not ask again after this.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let watched = Watched {
        orders: bff.services().orders.clone(),
        order,
        seen,
        context: asked.context,
        valid_for: caller.remaining(bff.sessions()),
    };
    let changes = bff.watch().changes(watched, bff.environment());
    let changes = changes.ok_or_else(|| ApiError::unavailable("too many orders are watched now; try again later"))?;
    Ok((
        [(CACHE_CONTROL, "no-store"), (ACCEL_BUFFERING, "no")],
        Sse::new(changes),
    )
        .into_response())
}
