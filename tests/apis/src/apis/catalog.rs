use std::sync::Arc;

use axum::Router;
use onecommit_engine::{EventLog, Key, Table};
use onecommit_environment::Environment;
use onecommit_http::health::{Health, row_answers};
use onecommit_testing::{MemoryDatabase, TestConsumer, an_event};
use serde_json::json;
use storefront_catalog::{Catalog, ReserveInventory, ReservedItem};
use storefront_money::Currency;

use crate::seed;

/// With a product in stock, and an order that holds some of it.
pub(crate) async fn api() -> anyhow::Result<Router> {
    let (database, environment) = (Arc::<MemoryDatabase>::default(), Environment::system());
    let (table, log) = (Table::new("catalog"), EventLog::new(Table::new("events")));
    let catalog = Catalog::new(database.clone(), table.clone(), log.clone(), environment.clone());
    let api = catalog.api();
    let product = json!({
        "name": "Teapot", "category": "teapots", "description": "", "price": {"minorUnits": 1_250, "currency": "EUR"},
    });
    seed::send(&api, "PUT", "/catalog/products/teapot", &product).await?;
    let addition = json!({"additionId": "first", "quantity": 1_000});
    seed::send(&api, "POST", "/catalog/products/teapot/stock", &addition).await?;
    let order = ReserveInventory {
        order_id: "ord_1".to_owned(),
        items: vec![ReservedItem {
            sku: "teapot".to_owned(),
            quantity: 2,
            unit_price_minor: 1_250,
        }],
        currency: Currency::new("EUR")?,
    };
    let consumer = TestConsumer::on(database.clone(), catalog.consumer(), environment.clone()).with_event_log(log);
    seed::receive(&consumer, &an_event("OrderSaga", "ord_1", order)).await?;
    let health = row_answers(database, table, Key::of_view("health", "health"));
    Ok(api.merge(Health::new(environment).required("database", health).router()))
}
