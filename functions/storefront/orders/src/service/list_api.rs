//! `GET /orders`: the orders of a customer, or those that a product is in.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use onecommit_http::{ApiError, Json, check_text, page_limit};
use serde::{Deserialize, Serialize};
use storefront_money::Money;

use crate::OrderStatus;
use crate::service::lists::{Found, OrderLists, Wanted, status_of};
use crate::service::request::TEXT_BYTES_MAX;
use crate::views::{CustomerStats, OrderPlace, OrderSummary, PlacedOrder, ProductOrder};

/// Orders of a page when the caller does not say how many.
const LIMIT: u32 = 20;
/// The most orders of a page.
const LIMIT_MAX: u32 = 100;

pub(crate) fn router(lists: Arc<OrderLists>) -> Router {
    Router::new().route("/orders", get(list)).with_state(lists)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Filter {
    customer_id: Option<String>,
    sku: Option<String>,
    status: Option<String>,
    after: Option<String>,
    limit: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(crate) struct OrderPage {
    orders: Vec<Shown>,
    /// Over all orders of the customer, whatever the filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    totals: Option<Totals>,
    /// What asks for the next page as `after`; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// Whether there may be orders that are wanted before the end of what was looked at was reached; absent when not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    incomplete: bool,
}

#[derive(Serialize)]
#[serde(untagged)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = ListedOrder))]
enum Shown {
    #[serde(rename_all = "camelCase")]
    OfCustomer {
        order_id: String,
        status: String,
        total: Money,
        item_count: u64,
        created_at: String,
        changed_at: String,
    },
    #[serde(rename_all = "camelCase")]
    OfProduct {
        order_id: String,
        customer_id: String,
        status: String,
        quantity: u64,
        created_at: String,
    },
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct Totals {
    orders: u64,
    pending: u64,
    spent: Vec<Money>,
}

#[cfg_attr(
    feature = "openapi",
    utoipa::path(get, path = "/orders", summary = "The orders of a customer, or those that a product is in; the newest first", params(("customerId" = Option<String>, Query, min_length = 1, max_length = 64, example = "cus_1", description = "Either this or `sku`."), ("sku" = Option<String>, Query, min_length = 1, max_length = 64), ("status" = Option<String>, Query, pattern = "^(created|confirmed|cancelled|shipped|delivered)$"), ("after" = Option<String>, Query, description = "The `next` of the page before."), ("limit" = Option<u32>, Query, minimum = 1, maximum = 100)), responses((status = 200, description = "A page.", body = OrderPage)))
)]
pub(crate) async fn list(
    State(lists): State<Arc<OrderLists>>,
    Query(filter): Query<Filter>,
) -> Result<Json<OrderPage>, ApiError> {
    let wanted = Wanted {
        status: filter.status.as_deref().map(status).transpose()?,
        after: filter.after.as_deref().map(place).transpose()?,
        limit: page_limit(filter.limit, LIMIT, 1..=LIMIT_MAX)? as usize,
    };
    match (filter.customer_id, filter.sku) {
        (Some(customer_id), None) => {
            check_text("customerId", &customer_id, 1..=TEXT_BYTES_MAX)?;
            let (found, stats) = lists.of_customer(&customer_id, &wanted).await?;
            Ok(Json(page(found, Some(stats.into()), of_customer)))
        }
        (None, Some(sku)) => {
            check_text("sku", &sku, 1..=TEXT_BYTES_MAX)?;
            let found = lists.of_product(&sku, &wanted).await?;
            Ok(Json(page(found, None, of_product)))
        }
        _ => {
            let message = "give customerId or sku, one of them";
            Err(ApiError::invalid("invalidFilter", message))
        }
    }
}

fn page<T>(found: Found<T>, totals: Option<Totals>, shown: fn(T, Option<OrderSummary>) -> Shown) -> OrderPage {
    let orders = found.orders.into_iter();
    OrderPage {
        orders: orders.map(|(order, summary)| shown(order, summary)).collect(),
        totals,
        next: found.next.map(|place| place.to_string()),
        incomplete: found.is_incomplete,
    }
}

fn of_customer(order: PlacedOrder, summary: Option<OrderSummary>) -> Shown {
    let status = status_of(summary.as_ref()).to_string();
    let changed = summary.map(|summary| (summary.item_count, summary.changed_at));
    let (item_count, changed_at) = changed.unwrap_or_else(|| (order.item_count, order.created_at.clone()));
    Shown::OfCustomer {
        order_id: order.order_id,
        status,
        total: order.total,
        item_count,
        created_at: order.created_at,
        changed_at,
    }
}

fn of_product(order: ProductOrder, summary: Option<OrderSummary>) -> Shown {
    Shown::OfProduct {
        order_id: order.order_id,
        customer_id: order.customer_id,
        status: status_of(summary.as_ref()).to_string(),
        quantity: order.quantity,
        created_at: order.created_at,
    }
}

impl From<CustomerStats> for Totals {
    fn from(stats: CustomerStats) -> Self {
        Self {
            orders: stats.orders,
            pending: stats.pending,
            spent: stats.spent,
        }
    }
}

fn status(text: &str) -> Result<OrderStatus, ApiError> {
    use OrderStatus::{Cancelled, Confirmed, Created, Delivered, Shipped};
    let all = [Created, Confirmed, Cancelled, Shipped, Delivered];
    let found = all.into_iter().find(|status| status.to_string() == text);
    found.ok_or_else(|| {
        let message = "status: it has to be created, confirmed, cancelled, shipped or delivered";
        ApiError::invalid("invalidStatus", message)
    })
}

fn place(text: &str) -> Result<OrderPlace, ApiError> {
    OrderPlace::parse(text).map_err(|error| ApiError::invalid("invalidAfter", format!("after: {error}")))
}
