use std::sync::Arc;

use axum::Router;
use onecommit_engine::{EventLog, Key, Table};
use onecommit_environment::Environment;
use onecommit_http::health::{Health, row_answers};
use onecommit_testing::{MemoryDatabase, TestConsumer, an_event};
use storefront_money::{Currency, Money};
use storefront_payments::{CapturePayment, LocalProvider, Payments};

use crate::seed;

/// With an order that is paid for, at the local provider.
pub(crate) async fn api() -> anyhow::Result<Router> {
    let (database, environment) = (Arc::<MemoryDatabase>::default(), Environment::system());
    let (table, log) = (Table::new("payments"), EventLog::new(Table::new("events")));
    let provider = LocalProvider::new(
        database.clone(),
        Table::new("provider"),
        log.clone(),
        environment.clone(),
    );
    let payments = Payments::new(database.clone(), table.clone(), Arc::new(provider.clone()));
    let capture = CapturePayment {
        order_id: "ord_1".to_owned(),
        customer_id: "cus_1".to_owned(),
        amount: Money::new(2_500, Currency::new("EUR")?),
        method: "card".to_owned(),
    };
    let consumer = payments.consumer("payments");
    let consumer = TestConsumer::on(database.clone(), consumer, environment.clone()).with_event_log(log);
    seed::receive(&consumer, &an_event("OrderSaga", "ord_1", capture)).await?;
    let health = row_answers(database, table, Key::new("paymentId", "health"));
    let health = Health::new(environment).required("database", health);
    Ok(payments.api().merge(provider.api()).merge(health.router()))
}
