use axum::extract::{Path, State};
use onecommit_http::{ApiError, Json};
use serde::Serialize;
use storefront_money::Currency;

use crate::Catalog;
use crate::service::reservation::check_order;
use crate::{Lines, ReservationState};

/// What an order holds or held.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(super) struct Reserved {
    order_id: String,
    state: ReservationState,
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Lines>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<Currency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

/// `GET /catalog/reservations/{orderId}`.
#[cfg_attr(
    feature = "openapi",
    utoipa::path(get, path = "/catalog/reservations/{orderId}", operation_id = "reservation", summary = "What an order holds", params(("orderId" = String, Path, min_length = 1, example = "ord_1")), responses((status = 200, description = "The reservation.", body = Reserved)))
)]
pub(super) async fn show(
    State(catalog): State<Catalog>,
    Path(order_id): Path<String>,
) -> Result<Json<Reserved>, ApiError> {
    check_order(&order_id).map_err(|error| ApiError::invalid("invalidOrderId", format!("orderId: {error}")))?;
    let Some(reservation) = catalog.reservation(&order_id).await? else {
        let message = "there is no reservation for this order";
        return Err(ApiError::not_found("unknownReservation", message));
    };
    let (items, currency) = match reservation.content {
        Some(content) => (Some(content.lines), Some(content.currency)),
        None => (None, None),
    };
    Ok(Json(Reserved {
        order_id: reservation.order_id,
        state: reservation.state,
        items,
        currency,
        expires_at: reservation.expires_at,
    }))
}
