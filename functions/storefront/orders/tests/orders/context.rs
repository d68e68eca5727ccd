//! The context on tables in memory.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use onecommit_engine::{Deadline, EventLog, Ledger, Table, TableReader, Verdict};
use onecommit_environment::{Environment, SeededRandom, SystemClock};
use onecommit_event::{Aggregate, Event, Payload};
use onecommit_event_store::EventStore;
use onecommit_testing::{MemoryDatabase, TestConsumer, an_event, delivery_of};
use onecommit_views::{EngineFactory, Projector, REFRESH, ViewControl, ViewDefinition};
use serde_json::{Value, json};
use storefront_money::{Currency, Money};
use storefront_orders::views::{CustomerStatsView, OrderSummaryView, OrdersByCustomerView, OrdersByProductView};
use storefront_orders::{CancelOrder, ConfirmOrder, CreateOrder, Line};
use storefront_orders::{OrderLists, Orders};
use tower::ServiceExt;

pub(crate) struct Context {
    pub(crate) database: Arc<MemoryDatabase>,
    pub(crate) store: EventStore,
    pub(crate) kit: TestConsumer,
    pub(crate) control: ViewControl,
    projector: Projector,
    api: Router,
}

/// An answer of the API.
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) tag: Option<String>,
    pub(crate) body: Value,
}

impl Context {
    pub(crate) fn new() -> Self {
        let database = Arc::new(MemoryDatabase::default());
        let environment = Environment::new(Arc::new(SystemClock), Arc::new(SeededRandom::new(1)));
        let log = || EventLog::new(Table::new("events"));
        let store = || EventStore::new(database.clone(), log(), environment.clone());
        let orders = Orders::new(store(), environment.clone());
        let rows: Arc<dyn TableReader> = database.clone();
        let control = ViewControl::new(database.clone(), Table::new("views"), environment.clone());
        let lists = OrderLists::new(rows.clone(), control.clone(), REFRESH).unwrap();
        let ledger = Ledger::new(Table::new("ledger"));
        let engines = EngineFactory::new(database.clone(), ledger, environment.clone());
        let views: Vec<Arc<dyn ViewDefinition>> = vec![
            Arc::new(OrderSummaryView),
            Arc::new(OrdersByCustomerView),
            Arc::new(OrdersByProductView),
            Arc::new(CustomerStatsView::new(rows)),
        ];
        let projector = Projector::new(views, engines, control.clone(), REFRESH).unwrap();
        let kit = TestConsumer::on(database.clone(), orders.consumer("orders"), environment.clone());
        Self {
            kit: kit.with_event_log(log()),
            api: orders.api_with_lists(lists),
            control,
            projector,
            store: store(),
            database,
        }
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, body: Value) -> Answered {
        self.ask_with(method, path, None, body).await
    }

    /// With one more header.
    pub(crate) async fn ask_with(
        &self,
        method: &str,
        path: &str,
        header: Option<(&str, &str)>,
        body: Value,
    ) -> Answered {
        let mut request = Request::builder().method(method).uri(path);
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let request = request.header("content-type", "application/json");
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let response = self
            .api
            .clone()
            .oneshot(request.body(Body::from(body)).unwrap())
            .await
            .unwrap();
        let header = |name: &str| {
            response
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        let (location, tag) = (header("location"), header("etag"));
        let status = response.status().as_u16();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        Answered {
            status,
            location,
            tag,
            // A 304 has none.
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answered {
        self.ask("GET", path, Value::Null).await
    }

    pub(crate) async fn place(&self, order: Value) -> Answered {
        self.ask("POST", "/orders", order).await
    }

    /// The context handles a command, and this is what it answers: the event that the command caused.
    pub(crate) async fn command<P: Payload>(&self, payload: P) -> Event {
        let command = an_event("OrderSaga", ORDER, payload);
        assert_eq!(self.kit.receive(&[&command]).await, [Verdict::Done]);
        let mut answers = self.events("Order").await;
        answers.extend(self.events("OrderRequest").await);
        let is_answer = |event: &Event| event.metadata().causation_id == command.id().to_string();
        let mut answers = answers.into_iter().filter(is_answer);
        let answer = answers.next().unwrap();
        assert!(answers.next().is_none(), "a command has one answer");
        answer
    }

    /// The views hear what happened to orders.
    pub(crate) async fn hear(&self, events: &[Event]) {
        for event in events {
            let delivery = delivery_of(&event.id().to_string(), event.to_json());
            let verdicts = self.projector.handle(&[delivery], Deadline::none()).await;
            assert_eq!(verdicts, [Verdict::Done]);
        }
    }

    pub(crate) async fn events(&self, kind: &str) -> Vec<Event> {
        let stream = Aggregate::new(kind, ORDER).unwrap();
        self.store.read(&stream, 1).all().await.unwrap()
    }

    pub(crate) async fn event_types(&self, kind: &str) -> Vec<String> {
        let events = self.events(kind).await;
        events.iter().map(|event| event.event_type().to_owned()).collect()
    }
}

pub(crate) const ORDER: &str = "ord_1";

pub(crate) fn wanted() -> Value {
    json!({
        "orderId": ORDER, "customerId": "cus_7", "currency": "EUR", "paymentMethod": "card",
        "items": [
            {"sku": "TEAPOT", "quantity": 2, "unitPriceMinor": 1_250},
            {"sku": "CUP", "quantity": 4, "unitPriceMinor": 300},
        ],
    })
}

pub(crate) fn create() -> CreateOrder {
    let line = |sku: &str, quantity, unit_price_minor| Line {
        sku: sku.to_owned(),
        quantity,
        unit_price_minor,
    };
    CreateOrder {
        order_id: ORDER.to_owned(),
        customer_id: "cus_7".to_owned(),
        items: vec![line("TEAPOT", 2, 1_250), line("CUP", 4, 300)],
        total: Money::new(3_700, Currency::new("EUR").unwrap()),
    }
}

pub(crate) fn confirm() -> ConfirmOrder {
    ConfirmOrder {
        order_id: ORDER.to_owned(),
    }
}

pub(crate) fn cancel(reason: &str) -> CancelOrder {
    CancelOrder {
        order_id: ORDER.to_owned(),
        reason: reason.to_owned(),
    }
}
