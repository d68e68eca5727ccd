use std::sync::Arc;

use anyhow::{Context as _, ensure};
use axum::Router;
use onecommit_engine::{Deadline, EventLog, Ledger, Table, TableReader, Verdict};
use onecommit_environment::Environment;
use onecommit_event::Aggregate;
use onecommit_event_store::EventStore;
use onecommit_http::health::{Health, query_answers};
use onecommit_testing::{MemoryDatabase, TestConsumer, an_event, delivery_of};
use onecommit_views::{EngineFactory, Projector, REFRESH, ViewControl};
use serde_json::json;
use storefront_money::{Currency, Money};
use storefront_orders::{ConfirmOrder, CreateOrder, Line, OrderLists, Orders};

use crate::seed;

/// With two confirmed orders, in streams and in views.
pub(crate) async fn api() -> anyhow::Result<Router> {
    let shop = Shop::new();
    shop.sell_two().await?;
    let lists = OrderLists::new(shop.database.clone(), shop.control.clone(), REFRESH)?;
    let query = log().table().query("stream", "Order#health");
    let health = Health::new(shop.environment.clone()).required("database", query_answers(shop.database, query));
    Ok(shop.orders.api_with_lists(lists).merge(health.router()))
}

/// Orders, and the views that are kept of them.
pub(crate) struct Shop {
    pub(crate) database: Arc<MemoryDatabase>,
    pub(crate) environment: Environment,
    pub(crate) control: ViewControl,
    orders: Orders,
}

fn log() -> EventLog {
    EventLog::new(Table::new("events"))
}

impl Shop {
    pub(crate) fn new() -> Self {
        let (database, environment) = (Arc::<MemoryDatabase>::default(), Environment::system());
        let store = EventStore::new(database.clone(), log(), environment.clone());
        let views = Table::new("views");
        Self {
            control: ViewControl::new(database.clone(), views, environment.clone()),
            orders: Orders::new(store, environment.clone()),
            database,
            environment,
        }
    }

    /// What two customers bought has one product in common.
    pub(crate) async fn sell_two(&self) -> anyhow::Result<()> {
        self.sell("ord_1", "cus_1", ["teapot", "cup"]).await?;
        self.sell("ord_2", "cus_2", ["teapot", "spoon"]).await
    }

    /// An order from its request to its confirmation; then the views hear of it.
    async fn sell(&self, order_id: &str, customer_id: &str, skus: [&str; 2]) -> anyhow::Result<()> {
        let line = |sku: &str| Line {
            sku: sku.to_owned(),
            quantity: 1,
            unit_price_minor: 1_250,
        };
        let items = skus.map(line).to_vec();
        let request = json!({
            "orderId": order_id, "customerId": customer_id, "items": items, "currency": "EUR", "paymentMethod": "card",
        });
        seed::send(&self.orders.api(), "POST", "/orders", &request).await?;
        let create = CreateOrder {
            order_id: order_id.to_owned(),
            customer_id: customer_id.to_owned(),
            items,
            total: Money::new(2_500, Currency::new("EUR")?),
        };
        let confirm = ConfirmOrder {
            order_id: order_id.to_owned(),
        };
        let consumer = self.orders.consumer("orders");
        let consumer = TestConsumer::on(self.database.clone(), consumer, self.environment.clone());
        let consumer = consumer.with_event_log(log());
        seed::receive(&consumer, &an_event("OrderSaga", order_id, create)).await?;
        seed::receive(&consumer, &an_event("OrderSaga", order_id, confirm)).await?;
        self.hear_of(order_id).await
    }

    async fn hear_of(&self, order_id: &str) -> anyhow::Result<()> {
        let rows: Arc<dyn TableReader> = self.database.clone();
        let ledger = Ledger::new(Table::new("ledger"));
        let engines = EngineFactory::new(self.database.clone(), ledger, self.environment.clone());
        let views = storefront_views::storefront(&rows);
        let projector = Projector::new(views, engines, self.control.clone(), REFRESH)?;
        let store = EventStore::new(self.database.clone(), log(), self.environment.clone());
        let stream = Aggregate::new("Order", order_id)?;
        for event in store.read(&stream, 1).all().await? {
            let delivery = delivery_of(&event.id().to_string(), event.to_json());
            let verdicts = projector.handle(&[delivery], Deadline::none()).await;
            let verdict = verdicts.first().context("no verdict")?;
            ensure!(*verdict == Verdict::Done, "{}: {verdict:?}", event.event_type());
        }
        Ok(())
    }
}
