//! The catalog with its engine on tables in memory, and what shows of it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use onecommit_engine::{Deadline, EventLog, Table, TableReader, Verdict};
use onecommit_environment::{Environment, SeededRandom, Timestamp};
use onecommit_event::Event;
use onecommit_testing::{MemoryDatabase, TestConsumer, VirtualClock, an_event};
use serde_json::json;
use storefront_catalog::{Catalog, Expired};
use storefront_catalog::{OrderConfirmed, ReleaseInventory, ReservationState, ReserveInventory, ReservedItem, Stock};
use storefront_money::Currency;
use tower::ServiceExt;

pub(crate) const HOLD_FOR: Duration = Duration::from_secs(3600);

pub(crate) struct Kit {
    pub(crate) consumer: TestConsumer,
    pub(crate) catalog: Catalog,
    pub(crate) database: Arc<MemoryDatabase>,
    environment: Environment,
}

/// A status and a JSON body.
pub(crate) type Answer = (u16, serde_json::Value);

impl Kit {
    /// With an empty catalog, at the time that events of tests are made at.
    pub(crate) fn new() -> Self {
        let clock = VirtualClock::showing(Environment::system().clock().now());
        let environment = Environment::new(Arc::new(clock), Arc::new(SeededRandom::new(7)));
        let database = Arc::new(MemoryDatabase::default());
        let log = EventLog::new(Table::new("events"));
        let catalog = Catalog::new(
            database.clone(),
            Table::new("catalog"),
            log.clone(),
            environment.clone(),
        )
        .holding_for(HOLD_FOR);
        let consumer = TestConsumer::on(database.clone(), catalog.consumer(), environment.clone()).with_event_log(log);
        Self {
            consumer,
            catalog,
            database,
            environment,
        }
    }

    /// With so many of each product, each at 12.50 euros.
    pub(crate) async fn with_products(products: &[(&str, i64)]) -> Self {
        let kit = Self::new();
        for (sku, quantity) in products {
            kit.put_product(sku, 1_250).await;
            if *quantity > 0 {
                kit.add_stock(sku, "first", *quantity).await;
            }
        }
        kit
    }

    pub(crate) async fn put_product(&self, sku: &str, price_minor: i64) {
        let product =
            json!({"name": sku, "category": "teapots", "price": {"minorUnits": price_minor, "currency": "EUR"}});
        let (status, answer) = self
            .ask("PUT", &format!("/catalog/products/{sku}"), Some(product))
            .await;
        assert_eq!(status, 200, "{answer}");
    }

    pub(crate) async fn add_stock(&self, sku: &str, addition: &str, quantity: i64) {
        let addition = json!({"additionId": addition, "quantity": quantity});
        let (status, answer) = self
            .ask("POST", &format!("/catalog/products/{sku}/stock"), Some(addition))
            .await;
        assert_eq!(status, 200, "{answer}");
    }

    /// One request of the API.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: Option<serde_json::Value>) -> Answer {
        let (status, _, body) = self.ask_if(method, path, None, body).await;
        (status, body)
    }

    /// The same with a header that demands a version; the answer with its `ETag`.
    pub(crate) async fn ask_if(
        &self,
        method: &str,
        path: &str,
        demand: Option<(&str, &str)>,
        body: Option<serde_json::Value>,
    ) -> (u16, String, serde_json::Value) {
        let api: Router = onecommit_http::json_errors(self.catalog.api());
        let request = Request::builder().method(method).uri(path);
        let request = request.header("content-type", "application/json");
        let request = match demand {
            Some((name, tags)) => request.header(name, tags),
            None => request,
        };
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let response = api.oneshot(request.body(body).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let tag = response
            .headers()
            .get("etag")
            .map(|tag| tag.to_str().unwrap().to_owned());
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (
            status,
            tag.unwrap_or_default(),
            serde_json::from_slice(&body).unwrap_or_default(),
        )
    }

    pub(crate) async fn receive(&self, event: &Event) -> Verdict {
        self.consumer.receive(&[event]).await.remove(0)
    }

    pub(crate) async fn expire(&self) -> Expired {
        self.catalog.expire_reservations(Deadline::none()).await.unwrap()
    }

    /// The stock of a product, which always adds up.
    pub(crate) fn stock(&self, sku: &str) -> Stock {
        let row = self
            .database
            .row("catalog", &[&format!("product#{sku}"), "product"])
            .unwrap();
        let number = |name: &str| row[name].as_i64().unwrap();
        let stock = Stock {
            start: number("start"),
            available: number("available"),
            held: number("held"),
            confirmed: number("confirmed"),
        };
        assert!(stock.is_sound(), "{stock:?}");
        stock
    }

    /// Available, held and confirmed.
    pub(crate) fn shares(&self, sku: &str) -> (i64, i64, i64) {
        let stock = self.stock(sku);
        (stock.available, stock.held, stock.confirmed)
    }

    pub(crate) async fn state(&self, order_id: &str) -> Option<ReservationState> {
        let (status, answer) = self
            .ask("GET", &format!("/catalog/reservations/{order_id}"), None)
            .await;
        (status == 200).then(|| serde_json::from_value(answer["state"].clone()).unwrap())
    }

    /// What the context said about an order's reservation, in order.
    pub(crate) async fn said(&self, order_id: &str) -> Vec<Event> {
        let stream = Table::new("events").query("stream", format!("Reservation#{order_id}"));
        let page = self.database.query(&stream).await.unwrap();
        let versions: Vec<u64> = page.rows.iter().filter_map(|row| row["version"].as_u64()).collect();
        assert_eq!(versions, (1..=page.rows.len() as u64).collect::<Vec<_>>());
        let text = |row: &onecommit_engine::Item| row["event"].as_str().map(str::to_owned).unwrap();
        page.rows
            .iter()
            .map(|row| Event::from_json(&text(row)).unwrap())
            .collect()
    }

    /// The same, by their types.
    pub(crate) async fn said_types(&self, order_id: &str) -> Vec<String> {
        let said = self.said(order_id).await;
        said.iter().map(|event| event.event_type().to_owned()).collect()
    }

    /// The payload of the last that was said.
    pub(crate) async fn last_said(&self, order_id: &str) -> serde_json::Value {
        let last = self.said(order_id).await.pop().unwrap();
        serde_json::from_str::<serde_json::Value>(&last.to_json()).unwrap()["payload"].clone()
    }

    /// Why the only parked message was parked.
    pub(crate) fn parked_because(&self) -> String {
        let parked = self.consumer.queue().parked();
        assert_eq!(parked.len(), 1, "{parked:?}");
        parked[0].2.clone()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.environment.clock().now()
    }

    pub(crate) fn environment(&self) -> Environment {
        self.environment.clone()
    }
}

/// The command to reserve so many of these, at 12.50 euros each, as a saga sends it.
pub(crate) fn reserve(order_id: &str, items: &[(&str, u32)]) -> Event {
    reserve_at(order_id, items, 1_250)
}

pub(crate) fn reserve_at(order_id: &str, items: &[(&str, u32)], unit_price_minor: i64) -> Event {
    let item = |(sku, quantity): &(&str, u32)| ReservedItem {
        sku: (*sku).to_owned(),
        quantity: *quantity,
        unit_price_minor,
    };
    let command = ReserveInventory {
        order_id: order_id.to_owned(),
        items: items.iter().map(item).collect(),
        currency: Currency::new("EUR").unwrap(),
    };
    an_event("OrderSaga", order_id, command)
}

pub(crate) fn release(order_id: &str) -> Event {
    let order_id = order_id.to_owned();
    an_event("OrderSaga", &order_id.clone(), ReleaseInventory { order_id })
}

pub(crate) fn order_confirmed(order_id: &str) -> Event {
    an_event("Order", order_id, OrderConfirmed {})
}
