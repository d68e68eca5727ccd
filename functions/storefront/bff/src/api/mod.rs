//! The JSON API.

mod dashboard;
mod inventory;
mod orders;
mod session;

use axum::Router;
use axum::routing::{get, post};

use crate::bff::Bff;

pub(crate) fn router() -> Router<Bff> {
    Router::new()
        .route("/dashboard", get(dashboard::show))
        .route("/inventory/check", post(inventory::check))
        .route("/orders", post(orders::place))
        .route("/orders/{id}", get(orders::show))
        .route("/orders/{id}/updates", get(orders::updates))
        .route("/session", get(session::show).post(session::begin).delete(session::end))
}
