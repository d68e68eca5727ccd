use axum::Router;
use axum::extract::{Path, Query, State};
use axum::routing::get;
use onecommit_engine::{Item, Key, Value};
use onecommit_event::{Aggregate, EventError};
use onecommit_http::{ApiError, Json};
use serde::{Deserialize, Serialize};
use storefront_money::Money;
use tracing::error;

use crate::PaymentId;
use crate::Payments;
use crate::service::row::{self, UnreadableRow};

/// The routes of this API, those of the local provider included, for its description.
#[cfg(feature = "openapi")]
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    of_order,
    one,
    crate::service::local_provider::api::behave,
    crate::service::local_provider::api::payment
))]
pub(crate) struct Described;

pub(crate) fn router(payments: Payments) -> Router {
    Router::new()
        .route("/payments", get(of_order))
        .route("/payments/{payment_id}", get(one))
        .with_state(payments)
}

/// A payment as the API shows it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Payment))]
struct Shown {
    payment_id: String,
    order_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    decline_reason: Option<String>,
    updated_at: String,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = Payments))]
struct Found {
    payments: Vec<Shown>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    order_id: String,
}

#[cfg_attr(
    feature = "openapi",
    utoipa::path(get, path = "/payments/{paymentId}", summary = "A payment", params(("paymentId" = String, Path, min_length = 1, example = "pay_ord_1")), responses((status = 200, description = "The payment.", body = Shown)))
)]
async fn one(State(payments): State<Payments>, Path(payment_id): Path<String>) -> Result<Json<Shown>, ApiError> {
    let found = payments.shown(&payment_id).await?;
    let unknown = || ApiError::not_found("unknownPayment", "there is no such payment");
    found.map(Json).ok_or_else(unknown)
}

#[cfg_attr(
    feature = "openapi",
    utoipa::path(get, path = "/payments", summary = "The payments of an order", params(("orderId" = String, Query, min_length = 1, example = "ord_1")), responses((status = 200, description = "One, or none.", body = Found)))
)]
async fn of_order(State(payments): State<Payments>, Query(wanted): Query<Wanted>) -> Result<Json<Found>, ApiError> {
    // Without an id there is no order, and with one that is empty the payment's would still be one.
    let invalid = |error: EventError| ApiError::invalid("invalidPaymentId", format!("orderId: {error}"));
    Aggregate::new("Order", &wanted.order_id).map_err(invalid)?;
    let id = PaymentId::of_order(&wanted.order_id);
    let found = payments.shown(id.as_str()).await?;
    Ok(Json(Found {
        payments: found.into_iter().collect(),
    }))
}

impl Payments {
    async fn shown(&self, payment_id: &str) -> Result<Option<Shown>, ApiError> {
        // What cannot name a payment is no matter for the table.
        Aggregate::new("Payment", payment_id)
            .map_err(|error| ApiError::invalid("invalidPaymentId", error.to_string()))?;
        let row = self.rows.get(&self.table, &Key::new("paymentId", payment_id)).await?;
        row.map(|row| Shown::of(payment_id, &row)).transpose().map_err(|error| {
            error!(payment.id = payment_id, error = %error, "row of a payment cannot be read");
            ApiError::internal()
        })
    }
}

impl Shown {
    fn of(payment_id: &str, row: &Item) -> Result<Self, UnreadableRow> {
        let text = |name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
        Ok(Self {
            payment_id: payment_id.to_owned(),
            order_id: text("orderId").unwrap_or_default(),
            customer_id: text("customerId"),
            amount: row::terms(row)?.map(|terms| terms.amount),
            method: text("method"),
            status: text("status").unwrap_or_default(),
            decline_reason: text("declineReason"),
            updated_at: text("updatedAt").unwrap_or_default(),
        })
    }
}
