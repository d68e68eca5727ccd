use axum::Router;
use onecommit_engine::Table;
use onecommit_http::health::{Health, query_answers};
use onecommit_views::REFRESH;
use storefront_recommendations::Recommendations;

use crate::apis::orders::Shop;

/// From the views of two orders.
pub(crate) async fn api() -> anyhow::Result<Router> {
    let shop = Shop::new();
    shop.sell_two().await?;
    let query = Table::new("views").query("pk", "view-control");
    let health = Health::new(shop.environment.clone()).required("views", query_answers(shop.database.clone(), query));
    let recommendations = Recommendations::new(shop.database, shop.control, REFRESH)?;
    Ok(recommendations.api().merge(health.router()))
}
