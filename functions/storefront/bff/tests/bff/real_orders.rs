//! The front door before the context orders itself, on tables in memory: that the two understand each other.

use std::sync::Arc;

use onecommit_engine::{Deadline, EventLog, Ledger, Table, TableReader, Verdict};
use onecommit_environment::{Environment, SeededRandom, SystemClock};
use onecommit_event::Aggregate;
use onecommit_event_store::EventStore;
use onecommit_testing::{MemoryDatabase, TestConsumer, an_event, delivery_of};
use onecommit_views::{EngineFactory, Projector, REFRESH, ViewControl, ViewDefinition};
use serde_json::{Value, json};
use storefront_money::{Currency, Money};
use storefront_orders::views::{CustomerStatsView, OrderSummaryView, OrdersByCustomerView, OrdersByProductView};
use storefront_orders::{ConfirmOrder, CreateOrder, Line, OrderLists, Orders};

use crate::kit::Fixture;

struct Context {
    fixture: Fixture,
    store: EventStore,
    consumer: TestConsumer,
    projector: Projector,
}

impl Context {
    fn new() -> Self {
        let database = Arc::new(MemoryDatabase::default());
        let environment = Environment::new(Arc::new(SystemClock), Arc::new(SeededRandom::new(1)));
        let log = || EventLog::new(Table::new("events"));
        let store = || EventStore::new(database.clone(), log(), environment.clone());
        let orders = Orders::new(store(), environment.clone());
        let rows: Arc<dyn TableReader> = database.clone();
        let control = ViewControl::new(database.clone(), Table::new("views"), environment.clone());
        let lists = OrderLists::new(rows.clone(), control.clone(), REFRESH).unwrap();
        let engines = EngineFactory::new(database.clone(), Ledger::new(Table::new("ledger")), environment.clone());
        let views: Vec<Arc<dyn ViewDefinition>> = vec![
            Arc::new(OrderSummaryView),
            Arc::new(OrdersByCustomerView),
            Arc::new(OrdersByProductView),
            Arc::new(CustomerStatsView::new(rows)),
        ];
        let consumer = TestConsumer::on(database.clone(), orders.consumer("orders"), environment.clone());
        let fixture = Fixture::with_orders(orders.api_with_lists(lists));
        fixture.product("TEAPOT", 1_250, true);
        fixture.product("CUP", 400, true);
        Self {
            fixture,
            store: store(),
            consumer: consumer.with_event_log(log()),
            projector: Projector::new(views, engines, control, REFRESH).unwrap(),
        }
    }

    /// The saga places and confirms the order, and the views hear of it.
    async fn confirm(&self, id: &str) {
        let line = |sku: &str, quantity, unit_price_minor| Line {
            sku: sku.to_owned(),
            quantity,
            unit_price_minor,
        };
        let create = CreateOrder {
            order_id: id.to_owned(),
            customer_id: "ada".to_owned(),
            items: vec![line("TEAPOT", 2, 1_250), line("CUP", 1, 400)],
            total: Money::new(2_900, Currency::new("EUR").unwrap()),
        };
        let confirm = ConfirmOrder {
            order_id: id.to_owned(),
        };
        let commands = [an_event("OrderSaga", id, create), an_event("OrderSaga", id, confirm)];
        for command in commands {
            assert_eq!(self.consumer.receive(&[&command]).await, [Verdict::Done]);
        }
        let stream = Aggregate::new("Order", id).unwrap();
        for event in self.store.read(&stream, 1).all().await.unwrap() {
            let delivery = delivery_of(&event.id().to_string(), event.to_json());
            assert_eq!(
                self.projector.handle(&[delivery], Deadline::none()).await,
                [Verdict::Done]
            );
        }
    }
}

fn wanted() -> Value {
    json!({"items": [{"sku": "TEAPOT", "quantity": 2}, {"sku": "CUP", "quantity": 1}], "paymentMethod": "card"})
}

#[tokio::test]
async fn an_order_is_placed_once_and_moves_into_the_dashboard() {
    let context = Context::new();
    let fixture = &context.fixture;
    let placed = fixture.place("ada", "key-1", &wanted()).await;
    assert_eq!(placed.status, 202, "{placed:?}");
    let id = placed.json()["orderId"].as_str().unwrap().to_owned();
    let again = fixture.place("ada", "key-1", &wanted()).await;
    assert_eq!((again.status, again.json()), (200, placed.json()));
    fixture.product("TEAPOT", 9_999, true);
    let dearer = fixture.place("ada", "key-1", &wanted()).await;
    assert_eq!(
        (dearer.status, dearer.json()),
        (200, placed.json()),
        "at the price of the first time"
    );
    let other = json!({"items": [{"sku": "CUP", "quantity": 1}], "paymentMethod": "card"});
    assert_eq!(
        fixture.place("ada", "key-1", &other).await.code(),
        "idempotencyKeyReused"
    );

    let order = fixture.get(&format!("/orders/{id}"), "ada").await.json();
    assert_eq!((&order["status"], &order["version"]), (&json!("requested"), &json!(0)));
    assert_eq!(fixture.get(&format!("/orders/{id}"), "grace").await.status, 404);
    context.confirm(&id).await;
    let update = fixture.get(&format!("/orders/{id}/updates"), "ada").await.text;
    assert!(update.contains("id: 2-confirmed"), "{update}");
    let dashboard = fixture.get("/dashboard", "ada").await.json();
    assert_eq!(dashboard["degraded"], json!([]));
    assert_eq!(
        dashboard["stats"],
        json!({"totalOrders": 1, "pendingOrders": 0, "totalSpent": [{"minorUnits": 2900, "currency": "EUR"}]})
    );
    let activity = &dashboard["recentActivity"][0];
    assert_eq!(
        (&activity["id"], &activity["status"]),
        (&json!(id), &json!("confirmed"))
    );
}

#[tokio::test]
async fn what_the_context_refuses_is_said_in_its_words() {
    let context = Context::new();
    // A person whose id is no customer's: the front door takes it from the identity provider as it is.
    let answer = context.fixture.place("ada@example.com", "key-1", &wanted()).await;
    assert_eq!((answer.status, &*answer.code()), (422, "invalidOrder"), "{answer:?}");
    assert!(answer.json()["message"].as_str().unwrap().contains("customerId"));
}
