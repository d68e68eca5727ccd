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

/// The most recommendations of one answer: 100. Without `limit` there are at most 10.
pub const COUNT_MAX: usize = 100;
const COUNT: usize = 10;
/// The longest SKU, in bytes.
const SKU_BYTES_MAX: usize = 64;

pub(crate) fn router(recommendations: Recommendations) -> Router {
    Router::new()
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
    check_text("sku", &sku, 1..=SKU_BYTES_MAX)?;
    let limit = wanted.limit.unwrap_or(COUNT);
    if !(1..=COUNT_MAX).contains(&limit) {
        let message = format!("limit: it has to be from 1 to {COUNT_MAX}");
        return Err(ApiError::invalid("invalidLimit", message));
    }
    let inner = &recommendations.0;
    let rows = inner.view.rows().await.map_err(not_known)?;
    let top = AlsoBoughtView::top(&*inner.rows, &rows, &sku, limit)
        .await
        .map_err(not_read)?;
    let also_bought = |Companion { sku, orders }| json!({"sku": sku, "orders": orders});
    let top: Vec<Value> = top.into_iter().map(also_bought).collect();
    Ok(Json(json!({"sku": sku, "recommendations": top})))
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
