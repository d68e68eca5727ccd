//! What is recommended, from orders on tables in memory.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use onecommit_engine::{Consumer, DatabaseError, Table, TableReader, TransientKind, Verdict};
use onecommit_environment::{Environment, Timestamp};
use onecommit_event::Metadata;
use onecommit_testing::{MemoryDatabase, TestConsumer, a_typed_event};
use onecommit_views::{Generation, ViewControl, ViewDefinition, ViewName, ViewRows};
use serde_json::{Value, json};
use storefront_money::{Currency, Money};
use storefront_orders::{Line, OrderCreated};
use storefront_recommendations::Recommendations;
use storefront_views::{AlsoBoughtView, OrdersByCustomerView};
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
        let control = ViewControl::new(database.clone(), views(), Environment::system());
        let recommendations = Recommendations::new(rows, control.clone(), Duration::from_secs(15)).unwrap();
        Self {
            database,
            control,
            recommendations,
        }
    }

    fn kit(&self, view: &dyn ViewDefinition) -> TestConsumer {
        let rows = ViewRows::new(views(), &ViewName::new(view.name()).unwrap(), Generation::FIRST);
        let consumer = view.handlers(Consumer::named(format!("{}@1", view.name())), rows);
        TestConsumer::on(self.database.clone(), consumer, Environment::system())
    }

    async fn sells(&self, orders: &[&[&str]]) {
        self.sells_to("cus_7", orders).await;
    }

    /// One order after the other.
    async fn sells_to(&self, customer: &str, orders: &[&[&str]]) {
        let kits = [self.kit(&AlsoBoughtView), self.kit(&OrdersByCustomerView)];
        let start = Environment::system().clock().now().unix_ms() - 3_600_000;
        for (number, skus) in (0..).zip(orders) {
            let line = |sku: &&str| Line {
                sku: (*sku).to_owned(),
                quantity: 1,
                unit_price_minor: 100,
            };
            let order = OrderCreated {
                customer_id: customer.to_owned(),
                items: skus.iter().map(line).collect(),
                total: Money::new(100, Currency::new("EUR").unwrap()),
            };
            let metadata = Metadata {
                sequence: Some(1),
                ..Metadata::starting("test")
            };
            let order = a_typed_event("Order", &format!("ord_{customer}_{number}"), order).with_metadata(metadata);
            let order = order
                .with_timestamp(Timestamp::from_unix_ms(start + number))
                .into_raw()
                .unwrap();
            for kit in &kits {
                assert_eq!(kit.receive(&[&order]).await, [Verdict::Done]);
            }
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
async fn a_customer_is_offered_what_others_bought_with_what_was_ordered_last() {
    let shop = Shop::new();
    let others: [&[&str]; 4] = [
        &["TEAPOT", "CUP", "SPOON"],
        &["TEAPOT", "CUP"],
        &["KETTLE", "SPOON"],
        &["FORK", "KNIFE"],
    ];
    shop.sells_to("cus_1", &others).await;
    shop.sells_to("cus_2", &[&["TEAPOT"], &["KETTLE"]]).await;
    let (status, body) = shop.get("/recommendations?customerId=cus_2").await;
    let offers = json!([{"sku": "CUP", "orders": 2}, {"sku": "SPOON", "orders": 2}]);
    assert_eq!(
        (status, body),
        (200, json!({"customerId": "cus_2", "recommendations": offers}))
    );
    let (_, first) = shop.get("/recommendations?customerId=cus_2&limit=1").await;
    assert_eq!(first["recommendations"], json!([{"sku": "CUP", "orders": 2}]));
    shop.sells_to("cus_3", &[&["FORK", "KNIFE"]]).await;
    let (_, all_of_it) = shop.get("/recommendations?customerId=cus_3").await;
    assert_eq!(
        all_of_it["recommendations"],
        json!([]),
        "nobody is offered what is in the orders"
    );
}

#[tokio::test]
async fn only_the_last_ten_orders_of_a_customer_count() {
    let shop = Shop::new();
    shop.sells_to("cus_1", &[&["TEAPOT", "CUP"]]).await;
    let mut orders: Vec<&[&str]> = vec![&["TEAPOT"]];
    orders.extend([&["FORK"] as &[&str]; 10]);
    shop.sells_to("cus_2", &orders).await;
    let (_, body) = shop.get("/recommendations?customerId=cus_2").await;
    assert_eq!(body["recommendations"], json!([]));
}

#[tokio::test]
async fn a_customer_without_orders_is_offered_nothing_and_one_without_a_name_is_refused() {
    let nothing = json!({"customerId": "cus_9", "recommendations": []});
    assert_eq!(
        Shop::new().get("/recommendations?customerId=cus_9").await,
        (200, nothing)
    );
    for query in ["", "?customerId=", "?customerId=a%0Ab"] {
        let (status, error) = Shop::new().get(&format!("/recommendations{query}")).await;
        assert_eq!((status, &error["error"]), (400, &json!("invalidField")), "{query}");
    }
}

#[tokio::test]
async fn an_offer_costs_a_request_for_the_orders_and_one_for_each_product() {
    let shop = Shop::new();
    let products: Vec<String> = (0..30).map(|number| format!("P-{number}")).collect();
    let order: Vec<&str> = products.iter().map(String::as_str).collect();
    shop.sells_to("cus_2", &[&order]).await;
    shop.get("/recommendations?customerId=cus_2").await;
    let before = shop.database.requests();
    shop.get("/recommendations?customerId=cus_2").await;
    assert_eq!(shop.database.requests() - before, 1 + 20);
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
