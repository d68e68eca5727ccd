use axum::http::StatusCode;
use onecommit_client::{CallContext, CallError};
use onecommit_http::ApiError;
use serde::{Deserialize, Serialize};
use storefront_money::{Currency, Money};
use tracing::warn;

use super::key::IdempotencyKey;
use super::wanted::{WantedOrder, not_valid};
use crate::services::{Line, NewOrder, Products, Services};

/// An order that is on its way.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Placed {
    pub(crate) order_id: String,
    /// What it costs, at the prices of when it was placed first.
    pub(crate) total: Money,
    /// Whether this request placed it; otherwise it was there before.
    #[serde(skip)]
    pub(crate) is_new: bool,
}

/// An error of the context orders.
#[derive(Deserialize)]
struct Said {
    error: String,
    message: String,
}

/// Places what `user` wants, once for each key: two requests, one for prices and one to order.
///
/// The same again is answered from what is there, whatever became of prices, stock or the catalog since. So the order of this
/// key is looked for where the request cannot be carried out, and nowhere else.
///
/// # Errors
/// 409 `outOfStock`; 422 for what cannot be ordered, and for another order under the same key; 503.
pub(crate) async fn place(
    services: &Services,
    user: &str,
    key: &IdempotencyKey,
    wanted: &WantedOrder,
    context: &CallContext,
) -> Result<Placed, ApiError> {
    wanted.check()?;
    let order_id = key.order_id(user);
    let refused = match priced(services, wanted, context).await {
        Err(refused) => refused,
        Ok((currency, items)) => {
            let order = NewOrder {
                order_id: &order_id,
                customer_id: user,
                currency,
                payment_method: &wanted.payment_method,
                items,
            };
            match services.orders.place(&order, context).await {
                Ok((total, is_new)) => {
                    return Ok(Placed {
                        order_id,
                        total,
                        is_new,
                    });
                }
                Err(error) => not_placed(&error),
            }
        }
    };
    let before = services.orders.requested(&order_id, context).await;
    match before.map_err(|error| unavailable("orders", &error))? {
        None => Err(refused),
        Some(requested) if requested.customer_id == user && wanted.is_what_was(&requested) => Ok(Placed {
            order_id,
            total: requested.total,
            is_new: false,
        }),
        Some(_) => Err(ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotencyKeyReused",
            "this Idempotency-Key was used for another order; give each order its own",
        )),
    }
}

/// The lines at the catalog's prices.
async fn priced(
    services: &Services,
    wanted: &WantedOrder,
    context: &CallContext,
) -> Result<(Currency, Vec<Line>), ApiError> {
    let products = services.catalog.products_now(&wanted.skus(), context).await;
    let products = products.map_err(|error| unavailable("catalog", &error))?;
    let prices = (0..)
        .zip(&wanted.items)
        .map(|(place, item)| price_of(&products, &item.sku, place));
    let prices: Vec<Money> = prices.collect::<Result<_, _>>()?;
    let mut currencies = prices.iter().map(Money::currency);
    let currency = currencies.next().unwrap_or(Currency::NONE);
    if currencies.any(|other| other != currency) {
        return Err(not_valid(
            "items: their prices are in more than one currency; order them apart",
        ));
    }
    let lines = wanted.items.iter().zip(prices).map(|(item, price)| Line {
        sku: item.sku.clone(),
        quantity: item.quantity,
        unit_price_minor: price.minor_units(),
    });
    Ok((currency, lines.collect()))
}

fn price_of(products: &Products, sku: &str, place: usize) -> Result<Money, ApiError> {
    let unknown = || {
        let message = format!("items[{place}].sku: there is no such product");
        ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "unknownProduct", message)
    };
    let product = products.get(sku).ok_or_else(unknown)?;
    match product.price {
        Some(price) if product.available => Ok(price),
        _ => Err(ApiError::conflict(
            "outOfStock",
            format!("items[{place}].sku: the product is out of stock"),
        )),
    }
}

/// Why the context orders did not take it. Its own words, which quote no values, when the order is not valid.
fn not_placed(error: &CallError) -> ApiError {
    match (error.status(), error.body::<Said>()) {
        (Some(StatusCode::UNPROCESSABLE_ENTITY), Some(Ok(said))) if said.error == "invalidOrder" => {
            not_valid(said.message)
        }
        _ => unavailable("orders", error),
    }
}

fn unavailable(service: &'static str, error: &CallError) -> ApiError {
    warn!(service, error = %error, "an order cannot be placed");
    ApiError::unavailable("the order cannot be placed now; send the same request with the same Idempotency-Key again")
}
