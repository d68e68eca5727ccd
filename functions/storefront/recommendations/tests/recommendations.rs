//! What is recommended, from orders on tables in memory.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use onecommit_engine::{Consumer, DatabaseError, Table, TableReader, TransientKind, Verdict};
use onecommit_environment::Environment;
use onecommit_testing::{MemoryDatabase, TestConsumer, an_event};
use onecommit_views::{Generation, ViewControl, ViewDefinition, ViewName, ViewRows};
use serde_json::{Value, json};
use storefront_money::{Currency, Money};
use storefront_orders::{Line, OrderCreated};
use storefront_recommendations::Recommendations;
use storefront_views::AlsoBoughtView;
use tower::ServiceExt;

struct Shop {
    database: Arc<MemoryDatabase>,
    control: ViewControl,
    recommendations: Recommendations,
}

fn views() -> Table {
    Table::new("views")
}

fn also_bought() -> ViewName {
    ViewName::new(AlsoBoughtView::NAME).unwrap()
}

impl Shop {
    fn new() -> Self {
        let database = Arc::new(MemoryDatabase::default());
        let rows: Arc<dyn TableReader> = database.clone();
        let control = ViewControl::new(database.clone(), rows.clone(), views(), Environment::system());
        let recommendations = Recommendations::new(rows, control.clone(), Duration::from_secs(15)).unwrap();
        Self {
            database,
            control,
            recommendations,
        }
    }

    async fn sells(&self, orders: &[&[&str]]) {
        let rows = ViewRows::new(views(), &also_bought(), Generation::FIRST);
        let consumer = AlsoBoughtView.handlers(Consumer::named("also-bought@1"), rows);
        let kit = TestConsumer::on(self.database.clone(), consumer, Environment::system());
        for (number, skus) in orders.iter().enumerate() {
            let line = |sku: &&str| Line {
                sku: (*sku).to_owned(),
                quantity: 1,
                unit_price_minor: 100,
            };
            let order = OrderCreated {
                customer_id: "cus_7".to_owned(),
                items: skus.iter().map(line).collect(),
                total: Money::new(100, Currency::new("EUR").unwrap()),
            };
            let order = an_event("Order", &format!("ord_{number}"), order);
            assert_eq!(kit.receive(&[&order]).await, [Verdict::Done]);
        }
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = self.recommendations.api().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }
}

#[tokio::test]
async fn what_is_bought_together_most_often_comes_first() {
    let shop = Shop::new();
    shop.sells(&[&["TEAPOT", "CUP"], &["TEAPOT", "CUP", "SPOON"], &["SPOON", "FORK"]])
        .await;
    assert_eq!(
        shop.get("/recommendations/TEAPOT").await,
        (
            200,
            json!({"sku": "TEAPOT", "recommendations": [{"sku": "CUP", "orders": 2}, {"sku": "SPOON", "orders": 1}]})
        )
    );
    let (_, first) = shop.get("/recommendations/TEAPOT?limit=1").await;
    assert_eq!(first["recommendations"], json!([{"sku": "CUP", "orders": 2}]));
}

#[tokio::test]
async fn a_product_that_nobody_bought_is_recommended_with_nothing() {
    let answer = json!({"sku": "KETTLE", "recommendations": []});
    assert_eq!(Shop::new().get("/recommendations/KETTLE").await, (200, answer));
}

#[tokio::test]
async fn which_rows_serve_is_asked_once_and_then_remembered() {
    let shop = Shop::new();
    shop.sells(&[&["TEAPOT", "CUP"]]).await;
    shop.get("/recommendations/TEAPOT").await;
    let before = shop.database.requests();
    shop.get("/recommendations/TEAPOT").await;
    assert_eq!(shop.database.requests() - before, 1);
}

#[tokio::test]
async fn a_limit_out_of_range_is_refused() {
    for limit in ["0", "101"] {
        let (status, error) = Shop::new().get(&format!("/recommendations/TEAPOT?limit={limit}")).await;
        assert_eq!((status, &error["error"]), (400, &json!("invalidLimit")));
    }
}

#[tokio::test]
async fn a_view_that_is_not_built_yet_and_a_database_without_an_answer_are_503() {
    let shop = Shop::new();
    shop.control.announce(&also_bought()).await.unwrap();
    let (status, error) = shop.get("/recommendations/TEAPOT").await;
    assert_eq!((status, &error["error"]), (503, &json!("unavailable")));
    let shop = Shop::new();
    shop.get("/recommendations/TEAPOT").await;
    let lost = DatabaseError::Transient(TransientKind::Unavailable, "no answer".into());
    shop.database.fail_next(lost);
    assert_eq!(shop.get("/recommendations/TEAPOT").await.0, 503);
}

#[tokio::test]
async fn a_product_that_fits_into_no_key_is_refused_by_name() {
    let shop = Shop::new();
    let (status, answer) = shop.get(&format!("/recommendations/{}", "x".repeat(2_100))).await;
    assert_eq!(status, 400, "{answer}");
    assert!(answer["message"].as_str().unwrap().starts_with("sku"), "{answer}");
}
