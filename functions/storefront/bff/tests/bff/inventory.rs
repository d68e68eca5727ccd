//! The stock of a product, from the catalog itself over gRPC.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body as AxumBody;
use axum::http::{Method, Request, Response};
use futures_util::future::{BoxFuture, pending};
use onecommit_client::TransportError;
use onecommit_engine::{EventLog, Table};
use onecommit_environment::Environment;
use onecommit_grpc::server::ServerSettings;
use onecommit_testing::MemoryDatabase;
use serde_json::{Value, json};
use storefront_catalog::{Catalog, catalog_grpc};
use tonic::body::Body;
use tower::{Service, ServiceExt};

use crate::kit::{Answer, Fixture, asked};

/// The way to the catalog, which can be closed.
#[derive(Clone)]
struct Way {
    catalog: Router,
    state: Arc<AtomicUsize>,
    headers: Arc<Mutex<Vec<(String, String)>>>,
    sent: Arc<AtomicUsize>,
}

const OPEN: usize = 0;
const DOWN: usize = 1;
const HANGS: usize = 2;

impl Way {
    async fn to_a_catalog_with(sku: &str, stock: i64) -> Self {
        let (database, environment) = (Arc::new(MemoryDatabase::default()), Environment::system());
        let log = EventLog::new(Table::new("events"));
        let catalog = Catalog::new(database.clone(), Table::new("catalog"), log, environment.clone());
        let product = json!({"name": sku, "category": "tea", "price": {"minorUnits": 1, "currency": "EUR"}});
        let addition = json!({"additionId": "first", "quantity": stock});
        for (method, path, body) in [
            ("PUT", format!("/catalog/products/{sku}"), product),
            ("POST", format!("/catalog/products/{sku}/stock"), addition),
        ] {
            let request = Request::builder()
                .method(method)
                .uri(path)
                .header("content-type", "application/json");
            let request = request.body(AxumBody::from(body.to_string())).unwrap();
            assert_eq!(catalog.api().oneshot(request).await.unwrap().status(), 200);
        }
        let server = catalog_grpc(database, Table::new("catalog"), ServerSettings::default(), environment);
        Self {
            catalog: server.into_router().await.unwrap(),
            state: Arc::default(),
            headers: Arc::default(),
            sent: Arc::default(),
        }
    }

    fn is(&self, state: usize) {
        self.state.store(state, Ordering::SeqCst);
    }
}

impl Service<Request<Body>> for Way {
    type Response = Response<AxumBody>;
    type Error = TransportError;
    type Future = BoxFuture<'static, Result<Response<AxumBody>, TransportError>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let way = self.clone();
        Box::pin(async move {
            way.sent.fetch_add(1, Ordering::SeqCst);
            let headers = request.headers().iter();
            *way.headers.lock().unwrap() = headers
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                .collect();
            match way.state.load(Ordering::SeqCst) {
                DOWN => Err(TransportError::NeverSent(Arc::new(std::io::Error::other("refused")))),
                HANGS => pending().await,
                _ => Ok(way.catalog.oneshot(request).await.unwrap()),
            }
        })
    }
}

async fn check(fixture: &Fixture, body: &Value) -> Answer {
    let headers = [("content-type", "application/json"), ("x-correlation-id", "visit-7")];
    let request = asked(Method::POST, "/inventory/check", &headers, &body.to_string());
    fixture.send(request).await
}

#[tokio::test(start_paused = true)]
async fn the_stock_of_a_product_is_answered() {
    let way = Way::to_a_catalog_with("TEAPOT", 12).await;
    let fixture = Fixture::with_inventory(way.clone());
    let answer = check(&fixture, &json!({"sku": "TEAPOT"})).await;
    assert_eq!(
        (answer.status, answer.json()),
        (200, json!({"available": true, "stock": 12}))
    );
    let headers = way.headers.lock().unwrap().clone();
    let header = |name: &str| {
        headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
    };
    assert_eq!(header("x-correlation-id").as_deref(), Some("visit-7"));
    assert_eq!(header("grpc-timeout").as_deref(), Some("3000m"));
    assert_eq!(header("x-retry-attempt").as_deref(), Some("1"));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_checked_is_told_why() {
    let fixture = Fixture::with_inventory(Way::to_a_catalog_with("TEAPOT", 1).await);
    for (body, status, code) in [
        (json!({"sku": "KETTLE"}), 404, "unknownProduct"),
        (json!({"sku": ""}), 422, "invalidSku"),
        (json!({"sku": "a b"}), 422, "invalidSku"),
        (json!({"sku": "x".repeat(65)}), 422, "invalidSku"),
        (json!({"sku": 7}), 422, "invalidBody"),
        (json!({}), 422, "invalidBody"),
        (json!({"sku": "TEAPOT", "price": 1}), 422, "invalidBody"),
    ] {
        let answer = check(&fixture, &body).await;
        assert_eq!((answer.status, &*answer.code()), (status, code), "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_catalog_that_is_down_is_named_and_found_again() {
    let way = Way::to_a_catalog_with("TEAPOT", 1).await;
    let fixture = Fixture::with_inventory(way.clone());
    for state in [DOWN, HANGS] {
        way.is(state);
        let answer = check(&fixture, &json!({"sku": "TEAPOT"})).await;
        assert_eq!((answer.status, &*answer.code()), (503, "unavailable"), "{answer:?}");
        assert_eq!(answer.json()["service"], "catalog-grpc");
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    way.is(OPEN);
    assert_eq!(check(&fixture, &json!({"sku": "TEAPOT"})).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_read_that_never_arrived_is_sent_again() {
    let way = Way::to_a_catalog_with("TEAPOT", 1).await;
    let fixture = Fixture::with_inventory(way.clone());
    way.is(DOWN);
    assert_eq!(check(&fixture, &json!({"sku": "TEAPOT"})).await.status, 503);
    assert_eq!(way.sent.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn without_an_address_it_says_so() {
    let answer = check(&Fixture::new(), &json!({"sku": "TEAPOT"})).await;
    assert_eq!((answer.status, &*answer.code()), (503, "unavailable"));
    assert_eq!(answer.json()["service"], "catalog-grpc");
    assert!(answer.json()["message"].as_str().unwrap().contains("CATALOG_GRPC_URL"));
}
