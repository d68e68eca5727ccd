use axum::Router;
use axum::extract::{Path, Query, State};
use axum::routing::get;
use onecommit_http::{ApiError, Json, check_text};
use onecommit_views::{ControlError, ReadError};
use serde::Deserialize;
use serde_json::{Value, json};
use storefront_views::{AlsoBoughtView, Companion, ViewError};
use tracing::error;

use crate::Recommendations;
use crate::for_customer::{self, Views};

/// The most recommendations of one answer: 100. Without `limit` there are at most 10.
pub const COUNT_MAX: usize = 100;
const COUNT: usize = 10;
/// The longest SKU and id of a customer, in bytes.
const TEXT_BYTES_MAX: usize = 64;

pub(crate) fn router(recommendations: Recommendations) -> Router {
    Router::new()
        .route("/recommendations", get(offer))
        .route("/recommendations/{sku}", get(show))
        .with_state(recommendations)
}

#[derive(Deserialize)]
struct Wanted {
    limit: Option<usize>,
}

/// What was bought most often together with a product, the most frequent first. A product that nobody knows was bought
/// with nothing.
async fn show(
    State(recommendations): State<Recommendations>,
    Path(sku): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Value>, ApiError> {
    check_text("sku", &sku, 1..=TEXT_BYTES_MAX)?;
    let limit = limit(wanted.limit)?;
    let inner = &recommendations.0;
    let rows = inner.also_bought.rows().await.map_err(not_known)?;
    let top = AlsoBoughtView::top(&*inner.rows, &rows, &sku, limit)
        .await
        .map_err(not_read)?;
    Ok(Json(json!({"sku": sku, "recommendations": shown(top)})))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WantedBy {
    customer_id: Option<String>,
    limit: Option<usize>,
}

/// What others bought together with what the customer ordered last. A customer without orders is offered nothing.
async fn offer(
    State(recommendations): State<Recommendations>,
    Query(wanted): Query<WantedBy>,
) -> Result<Json<Value>, ApiError> {
    let customer_id = wanted.customer_id.unwrap_or_default();
    check_text("customerId", &customer_id, 1..=TEXT_BYTES_MAX)?;
    let limit = limit(wanted.limit)?;
    let inner = &recommendations.0;
    let views = Views {
        orders: inner.orders.rows().await.map_err(not_known)?,
        also_bought: inner.also_bought.rows().await.map_err(not_known)?,
    };
    let top = for_customer::top(&*inner.rows, &views, &customer_id, limit)
        .await
        .map_err(not_read)?;
    Ok(Json(json!({"customerId": customer_id, "recommendations": shown(top)})))
}

fn limit(wanted: Option<usize>) -> Result<usize, ApiError> {
    let limit = wanted.unwrap_or(COUNT);
    if (1..=COUNT_MAX).contains(&limit) {
        return Ok(limit);
    }
    let message = format!("limit: it has to be from 1 to {COUNT_MAX}");
    Err(ApiError::invalid("invalidLimit", message))
}

fn shown(companions: Vec<Companion>) -> Vec<Value> {
    let shown = |Companion { sku, orders }| json!({"sku": sku, "orders": orders});
    companions.into_iter().map(shown).collect()
}

fn not_known(error: ReadError) -> ApiError {
    match error {
        ReadError::Control(ControlError::Database(error)) => error.into(),
        ReadError::NotBuilt(_) => ApiError::unavailable("recommendations are being built for the first time"),
        other => fault(&other),
    }
}

fn not_read(error: ViewError) -> ApiError {
    match error {
        ViewError::Database(error) => error.into(),
        other => fault(&other),
    }
}

fn fault(error: &(dyn std::error::Error + 'static)) -> ApiError {
    error!(error, "recommendations cannot be read");
    ApiError::internal()
}
