//! A catalog in memory, served over TCP.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use axum::http::Request;
use onecommit_callers::Guard;
use onecommit_client::{Identity, RootCertificates};
use onecommit_engine::{DatabaseError, EventLog, Item, Key, Page, Query, Scan, Table, TableReader};
use onecommit_environment::Environment;
use onecommit_grpc::server::{Ended, InvalidDescription, ServerSettings};
use onecommit_grpc::{Channel, GrpcClient, GrpcError, GrpcSettings, Http2Transport, Messages};
use onecommit_http::health::{Health, ProbeFailure};
use onecommit_testing::{MemoryDatabase, Patience, await_until};
use serde_json::json;
use storefront_catalog::{Catalog, catalog_grpc};
use storefront_catalog_proto::catalog_service_client::CatalogServiceClient;
use storefront_catalog_proto::{
    BatchGetProductsRequest, BatchGetProductsResponse, GetProductRequest, ListProductsRequest, Product,
};
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tower::ServiceExt;

/// The catalog's rows, whose reads can be held up.
#[derive(Default)]
pub(crate) struct Rows {
    pub(crate) memory: Arc<MemoryDatabase>,
    /// Reads wait while it is not 0.
    pub(crate) held: AtomicUsize,
    pub(crate) released: Notify,
    /// Reads that have begun, and those that were given up.
    pub(crate) begun: AtomicUsize,
    pub(crate) dropped: AtomicUsize,
}

/// Returns once it is so.
pub(crate) async fn until(is_so: impl Fn() -> bool) {
    let seen = await_until(Patience::default(), || std::future::ready(is_so()), |seen| *seen).await;
    assert_eq!(seen, Ok(true));
}

struct Reading<'a>(&'a Rows, bool);

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        if !self.1 {
            self.0.dropped.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Rows {
    pub(crate) fn hold(&self) {
        self.held.store(1, Ordering::SeqCst);
    }

    pub(crate) fn release(&self) {
        self.held.store(0, Ordering::SeqCst);
        self.released.notify_waiters();
    }

    async fn read<T>(&self, read: impl Future<Output = T>) -> T {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let mut reading = Reading(self, false);
        loop {
            let released = self.released.notified();
            if self.held.load(Ordering::SeqCst) == 0 {
                break;
            }
            released.await;
        }
        let found = read.await;
        reading.1 = true;
        found
    }
}

#[async_trait]
impl TableReader for Rows {
    async fn get(&self, table: &Table, key: &Key) -> Result<Option<Item>, DatabaseError> {
        let is_fatal = key
            .attributes()
            .iter()
            .any(|(_, value)| value.as_str() == Some("product#PANICS"));
        assert!(!is_fatal, "as it is asked for");
        self.read(self.memory.get(table, key)).await
    }

    async fn query(&self, query: &Query) -> Result<Page, DatabaseError> {
        self.read(self.memory.query(query)).await
    }

    async fn scan(&self, scan: &Scan) -> Result<Page<Scan>, DatabaseError> {
        self.memory.scan(scan).await
    }
}

pub(crate) struct Served {
    pub(crate) rows: Arc<Rows>,
    pub(crate) address: SocketAddr,
    pub(crate) is_ready: Arc<AtomicUsize>,
    asked_to_end: Option<oneshot::Sender<()>>,
    serving: JoinHandle<Result<Ended, InvalidDescription>>,
}

/// How it is served.
pub(crate) struct How {
    pub(crate) settings: ServerSettings,
    pub(crate) guard: Option<Guard>,
    pub(crate) listener: Option<TcpListener>,
}

impl Default for How {
    fn default() -> Self {
        let settings = ServerSettings {
            health_every: Duration::from_millis(1),
            ..ServerSettings::default()
        };
        Self {
            settings,
            guard: None,
            listener: None,
        }
    }
}

impl Served {
    pub(crate) async fn new() -> Self {
        Self::with(How::default()).await
    }

    pub(crate) async fn with(how: How) -> Self {
        let rows = Arc::new(Rows::default());
        let is_ready = Arc::new(AtomicUsize::new(1));
        let known = is_ready.clone();
        let environment = Environment::system();
        let health = Health::new(environment.clone()).known("database", move || match known.load(Ordering::SeqCst) {
            0 => Err(ProbeFailure::Unreachable),
            _ => Ok(()),
        });
        let server = catalog_grpc(rows.clone(), Table::new("catalog"), how.settings, environment).healthy_while(health);
        let server = match how.guard {
            Some(guard) => server.guarded(guard),
            None => server,
        };
        let listener = match how.listener {
            Some(listener) => listener,
            None => TcpListener::bind("127.0.0.1:0").await.unwrap(),
        };
        let address = listener.local_addr().unwrap();
        let (asked_to_end, end) = oneshot::channel();
        let end = async move { drop(end.await) };
        Self {
            rows,
            address,
            is_ready,
            asked_to_end: Some(asked_to_end),
            serving: tokio::spawn(server.serve(listener, end)),
        }
    }

    /// With so many of each product of the category tea, each at 12.50 euros.
    pub(crate) async fn stocked(products: &[(&str, i64)]) -> Self {
        let served = Self::new().await;
        served.stock(products).await;
        served
    }

    pub(crate) async fn stock(&self, products: &[(&str, i64)]) {
        for (sku, quantity) in products {
            let product = json!({"name": format!("The {sku}"), "category": "tea", "description": "It pours.",
                "imageUrl": "https://images.example/pot.png", "price": {"minorUnits": 1_250, "currency": "EUR"}});
            self.put("PUT", &format!("/catalog/products/{sku}"), &product).await;
            if *quantity > 0 {
                let addition = json!({"additionId": "first", "quantity": quantity});
                self.put("POST", &format!("/catalog/products/{sku}/stock"), &addition)
                    .await;
            }
        }
    }

    async fn put(&self, method: &str, path: &str, body: &serde_json::Value) {
        let (table, log) = (Table::new("catalog"), EventLog::new(Table::new("events")));
        let catalog = Catalog::new(self.rows.memory.clone(), table, log, Environment::system());
        let request = Request::builder().method(method).uri(path);
        let request = request.header("content-type", "application/json");
        let answer = catalog
            .api()
            .oneshot(request.body(Body::from(body.to_string())).unwrap());
        assert_eq!(answer.await.unwrap().status(), 200);
    }

    pub(crate) fn client(&self) -> TestClient {
        self.client_with(GrpcSettings::default())
    }

    pub(crate) fn client_of(&self, identity: Arc<dyn Identity>) -> TestClient {
        self.client_with(GrpcSettings {
            identity: Some(identity),
            ..GrpcSettings::default()
        })
    }

    pub(crate) fn client_with(&self, settings: GrpcSettings) -> TestClient {
        TestClient::at(&format!("http://{}", self.address), settings)
    }

    pub(crate) fn ask_to_end(&mut self) {
        drop(self.asked_to_end.take());
    }

    pub(crate) async fn ended(self) -> Ended {
        self.serving.await.unwrap().unwrap()
    }

    /// Ends it, with all that is connected.
    pub(crate) async fn ends(mut self) -> Ended {
        self.ask_to_end();
        self.ended().await
    }
}

/// The client of this library around the generated one.
#[derive(Clone)]
pub(crate) struct TestClient(pub(crate) GrpcClient);

impl TestClient {
    pub(crate) fn at(origin: &str, settings: GrpcSettings) -> Self {
        let transport = Http2Transport::new(RootCertificates::default());
        Self(GrpcClient::new("catalog-grpc", origin, transport, settings, Environment::system()).unwrap())
    }

    pub(crate) async fn product(&self, sku: &str) -> Result<Product, GrpcError> {
        let call = |channel: Channel| {
            let request = GetProductRequest { sku: sku.to_owned() };
            async move { CatalogServiceClient::new(channel).get_product(request).await }
        };
        self.0.read("catalog.CatalogService/GetProduct", call).await
    }

    pub(crate) async fn products(&self, skus: &[&str]) -> Result<BatchGetProductsResponse, GrpcError> {
        let call = |channel: Channel| {
            let skus = skus.iter().map(|sku| (*sku).to_owned()).collect();
            let request = BatchGetProductsRequest { skus };
            async move { CatalogServiceClient::new(channel).batch_get_products(request).await }
        };
        self.0.read("catalog.CatalogService/BatchGetProducts", call).await
    }

    pub(crate) async fn list(&self, category: &str) -> Result<Messages<Product>, GrpcError> {
        let call = |channel: Channel| {
            let category = category.to_owned();
            let request = ListProductsRequest { category };
            async move { CatalogServiceClient::new(channel).list_products(request).await }
        };
        self.0.stream("catalog.CatalogService/ListProducts", call).await
    }
}
