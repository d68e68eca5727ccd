//! The contexts as they are, each with its own tables, and what a test asks of their APIs.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use onecommit_engine::{Consumer, Deadline, EventLog, Table, TableReader, TableWriter};
use onecommit_environment::Environment;
use onecommit_event_store::EventStore;
use onecommit_sealing::Sealer;
use onecommit_testing::{MemoryDatabase, SeededSecrets};
use serde_json::{Value, json};
use storefront_catalog::Catalog;
use storefront_notifications::Notifications;
use storefront_notifications::{Courier, DeliveryError, Parcel};
use storefront_orders::Orders;
use storefront_payments::{Behaviour, LocalProvider, Payments, Towards};
use storefront_users::Users;
use tower::ServiceExt;

use crate::world::EVENTS;

pub(crate) struct Storefront {
    catalog: Catalog,
    provider: LocalProvider,
    api: Router,
    consumers: Vec<Consumer>,
    pub(crate) letterbox: Arc<Letterbox>,
}

/// What one product's stock is.
#[derive(Debug)]
pub(crate) struct Stock {
    pub(crate) start: i64,
    pub(crate) available: i64,
    pub(crate) held: i64,
    pub(crate) confirmed: i64,
}

impl Storefront {
    pub(crate) fn new(database: &Arc<MemoryDatabase>, environment: &Environment) -> Self {
        let letterbox = Arc::new(Letterbox::default());
        Self::on(database, environment, letterbox.clone(), letterbox)
    }

    /// One whose customers are told by this courier.
    pub(crate) fn told_by<D>(database: &Arc<D>, environment: &Environment, courier: Arc<dyn Courier>) -> Self
    where
        D: TableWriter + TableReader + 'static,
    {
        Self::on(database, environment, courier, Arc::default())
    }

    fn on<D>(database: &Arc<D>, environment: &Environment, courier: Arc<dyn Courier>, letterbox: Arc<Letterbox>) -> Self
    where
        D: TableWriter + TableReader + 'static,
    {
        let log = || EventLog::new(Table::new(EVENTS)).with_pending_marks();
        let environment = || environment.clone();
        let rows: Arc<dyn TableReader> = database.clone();
        let store = EventStore::new(database.clone(), log(), environment());
        let orders = Orders::new(store, environment());
        let catalog = Catalog::new(database.clone(), Table::new("catalog"), log(), environment());
        let provider = LocalProvider::new(database.clone(), Table::new("provider"), log(), environment());
        let payments = Payments::new(rows, Table::new("payments"), Arc::new(provider.clone()));
        let sealer = Sealer::new(database.clone(), Table::new("subject-keys"), environment());
        let sealer = Arc::new(sealer.with_randomness(Arc::new(SeededSecrets::new(1))));
        let users = Users::new(
            database.clone(),
            Table::new("users"),
            log(),
            sealer.clone(),
            environment(),
        );
        let table = Table::new("notifications");
        let notifications = Notifications::new(database.clone(), table, courier, sealer, environment());
        let apis = [
            orders.api(),
            catalog.api(),
            payments.api(),
            provider.api(),
            users.api(),
            notifications.api(),
        ];
        Self {
            consumers: vec![
                orders.consumer("orders"),
                catalog.consumer(),
                payments.consumer("payments"),
                users.consumer("users"),
                notifications.consumer("notifications"),
            ],
            // Each describes itself at one and the same path, so they are asked one after the other.
            api: apis
                .into_iter()
                .fold(Router::new(), |all, api| api.fallback_service(all)),
            catalog,
            provider,
            letterbox,
        }
    }

    /// The consumers of the contexts; they are there once.
    pub(crate) fn take_consumers(&mut self) -> Vec<Consumer> {
        std::mem::take(&mut self.consumers)
    }

    /// The APIs of all contexts.
    pub(crate) fn api(&self) -> Router {
        self.api.clone()
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        asked(&self.api, method, path, &body).await
    }

    async fn done(&self, method: &str, path: &str, body: Value) {
        let (status, answer) = self.ask(method, path, body).await;
        assert_eq!(status, 200, "{method} {path}: {answer}");
    }

    /// The shop opens: what customers are told when an order is confirmed.
    pub(crate) async fn open(&self) {
        let template = json!({
            "subject": "Order {{ orderId }}", "text": "Your order {{ orderId }} is confirmed.", "parameters": ["orderId"],
        });
        self.done("PUT", "/notifications/templates/orderConfirmed", template)
            .await;
    }

    pub(crate) async fn sell(&self, sku: &str, count: i64, price: i64) {
        let path = format!("/catalog/products/{sku}");
        let price = json!({"minorUnits": price, "currency": "EUR"});
        let product = json!({"name": sku, "category": "kitchen", "price": price});
        self.done("PUT", &path, product).await;
        if count > 0 {
            let addition = json!({"additionId": "first", "quantity": count});
            self.done("POST", &format!("{path}/stock"), addition).await;
        }
    }

    /// A customer who wants to be told by e-mail.
    pub(crate) async fn register(&self, customer: &str) {
        let path = format!("/users/{customer}");
        self.done("PUT", &path, json!({"displayName": customer})).await;
        let preferences = json!({"email": format!("{customer}@example.com"), "channels": ["email"]});
        self.done("PUT", &format!("{path}/preferences"), preferences).await;
    }

    pub(crate) async fn provider_behaves(&self, customer: &str, behaviour: Behaviour) {
        let towards = Towards::Customer(customer.to_owned());
        self.provider.behave(&towards, behaviour).await.unwrap();
    }

    pub(crate) async fn stock(&self, sku: &str) -> Stock {
        let (status, stock) = self
            .ask("GET", &format!("/catalog/products/{sku}/stock"), Value::Null)
            .await;
        assert_eq!(status, 200, "{stock}");
        let number = |name: &str| stock[name].as_i64().unwrap();
        Stock {
            start: number("start"),
            available: number("available"),
            held: number("held"),
            confirmed: number("confirmed"),
        }
    }

    /// Where an order's reservation is, as the catalog calls it.
    pub(crate) async fn reservation(&self, order: &str) -> Option<String> {
        let (status, body) = self
            .ask("GET", &format!("/catalog/reservations/{order}"), Value::Null)
            .await;
        (status == 200).then(|| body["state"].as_str().unwrap().to_owned())
    }

    /// What the provider did with the money for an order, by its own books.
    pub(crate) async fn money(&self, order: &str) -> Option<String> {
        let path = format!("/payments/local-provider/payments/{order}");
        let (status, body) = self.ask("GET", &path, Value::Null).await;
        (status == 200).then(|| body["status"].as_str().unwrap().to_owned())
    }

    /// The schedule that ends reservations whose time is over; gives how many it ended.
    pub(crate) async fn expire_reservations(&self) -> u64 {
        let expired = self.catalog.expire_reservations(Deadline::none()).await.unwrap();
        assert_eq!(expired.failed, 0);
        expired.expired
    }
}

/// What an API answers: status and body.
pub(crate) async fn asked(api: &Router, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let request = Request::builder().method(method).uri(path);
    let request = request.header("content-type", "application/json");
    let request = request.body(Body::from(body.to_string())).unwrap();
    let response = api.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

/// Takes every delivery, and keeps what was handed over.
#[derive(Default)]
pub(crate) struct Letterbox(pub(crate) Mutex<Vec<Parcel>>);

impl Letterbox {
    pub(crate) fn subjects(&self) -> Vec<String> {
        let parcels = self.0.lock().unwrap();
        parcels.iter().map(|parcel| parcel.message.subject.clone()).collect()
    }
}

#[async_trait]
impl Courier for Letterbox {
    async fn hand_over(&self, parcel: &Parcel) -> Result<String, DeliveryError> {
        let mut parcels = self.0.lock().unwrap();
        parcels.push(parcel.clone());
        Ok(format!("receipt-{}", parcels.len()))
    }
}
