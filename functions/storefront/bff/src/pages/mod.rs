//! The storefront's pages: HTML that is made here, forms that work without a script, and one small script that watches an
//! order. Links are relative, since an API of API Gateway has its stage before every path.

mod account;
mod assets;
mod forms;
mod layout;
mod order;
mod products;
mod signing_in;
mod visitor;

use axum::Router;
use axum::routing::{get, post};

use crate::bff::Bff;

pub(crate) fn router() -> Router<Bff> {
    Router::new()
        .route("/", get(products::show))
        .route("/account", get(account::show))
        .route("/account/orders", post(order::place))
        .route("/account/orders/{id}", get(order::show))
        .route("/account/session", post(signing_in::begin))
        .route("/account/sign-out", post(signing_in::end))
        .route("/assets/{name}", get(assets::show))
}
