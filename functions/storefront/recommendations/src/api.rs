use axum::Router;
use axum::extract::{Path, Query, State};
use axum::routing::get;
use onecommit_http::{ApiError, Json, check_text};
use onecommit_views::{ControlError, ReadError};
use serde::{Deserialize, Serialize};
use storefront_views::{AlsoBoughtView, Companion, ViewError};
use tracing::error;

use crate::Recommendations;
use crate::for_customer::{self, Views};

/// The most recommendations of one answer: 100. Without `limit` there are at most 10.
pub const COUNT_MAX: usize = 100;
const COUNT: usize = 10;
/// The longest SKU and id of a customer, in bytes.
const TEXT_BYTES_MAX: usize = 64;

/// The routes of this API, for its description.
#[cfg(feature = "openapi")]
#[derive(utoipa::OpenApi)]
#[openapi(paths(offer, show))]
pub(crate) struct Described;

pub(crate) fn router(recommendations: Recommendations) -> Router {
    Router::new()
        .route("/recommendations", get(offer))
        .route("/recommendations/{sku}", get(show))
        .with_state(recommendations)
}

/// What was bought together with a product.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct WithProduct {
    sku: String,
    recommendations: Vec<Recommended>,
}

/// What a customer is offered.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct ForCustomer {
    customer_id: String,
    recommendations: Vec<Recommended>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct Recommended {
    sku: String,
    /// In how many orders it is together with what it is recommended for.
    orders: u64,
}

impl From<Companion> for Recommended {
    fn from(Companion { sku, orders }: Companion) -> Self {
        Self { sku, orders }
    }
}

#[derive(Deserialize)]
struct Wanted {
    limit: Option<usize>,
}

/// What was bought most often together with a product, the most frequent first. A product that nobody knows was bought
/// with nothing.
#[cfg_attr(
    feature = "openapi",
    utoipa::path(get, path = "/recommendations/{sku}", summary = "What was bought together with a product", params(("sku" = String, Path, min_length = 1, max_length = 64, example = "teapot"), ("limit" = Option<u32>, Query, minimum = 1, maximum = 100)), responses((status = 200, description = "The most frequent first; none of a product that nobody knows.", body = WithProduct)))
)]
async fn show(
    State(recommendations): State<Recommendations>,
    Path(sku): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<WithProduct>, ApiError> {
    check_text("sku", &sku, 1..=TEXT_BYTES_MAX)?;
    let limit = limit(wanted.limit)?;
    let inner = &recommendations.0;
    let rows = inner.also_bought.rows().await.map_err(not_known)?;
    let top = AlsoBoughtView::top(&*inner.rows, &rows, &sku, limit)
        .await
        .map_err(not_read)?;
    let recommendations = shown(top);
    Ok(Json(WithProduct { sku, recommendations }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WantedBy {
    customer_id: Option<String>,
    limit: Option<usize>,
}

/// What others bought together with what the customer ordered last. A customer without orders is offered nothing.
#[cfg_attr(
    feature = "openapi",
    utoipa::path(get, path = "/recommendations", summary = "What to offer a customer, from the last orders", params(("customerId" = String, Query, min_length = 1, max_length = 64, example = "cus_1"), ("limit" = Option<u32>, Query, minimum = 1, maximum = 100)), responses((status = 200, description = "The most frequent first; none for a customer without orders.", body = ForCustomer)))
)]
async fn offer(
    State(recommendations): State<Recommendations>,
    Query(wanted): Query<WantedBy>,
) -> Result<Json<ForCustomer>, ApiError> {
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
    let recommendations = shown(top);
    Ok(Json(ForCustomer {
        customer_id,
        recommendations,
    }))
}

fn limit(wanted: Option<usize>) -> Result<usize, ApiError> {
    let limit = wanted.unwrap_or(COUNT);
    if (1..=COUNT_MAX).contains(&limit) {
        return Ok(limit);
    }
    let message = format!("limit: it has to be from 1 to {COUNT_MAX}");
    Err(ApiError::invalid("invalidLimit", message))
}

fn shown(companions: Vec<Companion>) -> Vec<Recommended> {
    companions.into_iter().map(Recommended::from).collect()
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
