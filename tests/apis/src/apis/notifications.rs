use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use onecommit_engine::{EventLog, Key, Table};
use onecommit_environment::Environment;
use onecommit_event::Metadata;
use onecommit_http::health::{Health, row_answers};
use onecommit_sealing::Sealer;
use onecommit_testing::{MemoryDatabase, TestConsumer, an_event};
use serde_json::{Map, json};
use storefront_notifications::{
    Contact, Courier, DeliveryError, Notifications, NotifyCustomer, Parcel, UserPreferencesChanged,
};

use crate::seed;

const CUSTOMER: &str = "cus_1";

/// With a template, and a customer to whom a notification is on its way.
pub(crate) async fn api() -> anyhow::Result<Router> {
    let (database, environment) = (Arc::<MemoryDatabase>::default(), Environment::system());
    let (table, log) = (Table::new("notifications"), EventLog::new(Table::new("events")));
    let keys = Table::new("subject-keys");
    let sealer = Arc::new(Sealer::new(database.clone(), keys, environment.clone()));
    let notifications = Notifications::new(
        database.clone(),
        table.clone(),
        Arc::new(NoCourier),
        sealer,
        environment.clone(),
    );
    let api = notifications.api();
    let template = json!({"subject": "Your order", "text": "It is confirmed.", "parameters": []});
    seed::send(&api, "PUT", "/notifications/templates/orderConfirmed", &template).await?;
    let consumer = notifications.consumer("notifications");
    let consumer = TestConsumer::on(database.clone(), consumer, environment.clone()).with_event_log(log);
    let reached = an_event("User", CUSTOMER, preferences()).with_metadata(Metadata {
        sequence: Some(1),
        ..Metadata::starting("fuzz-apis")
    });
    seed::receive(&consumer, &reached).await?;
    let notify = NotifyCustomer {
        order_id: "ord_1".to_owned(),
        customer_id: CUSTOMER.to_owned(),
        template: "orderConfirmed".to_owned(),
        parameters: Map::new(),
    };
    seed::receive(&consumer, &an_event("OrderSaga", "ord_1", notify)).await?;
    let health = row_answers(database, table, Key::of_view("health", "health"));
    Ok(api.merge(Health::new(environment).required("database", health).router()))
}

fn preferences() -> UserPreferencesChanged {
    UserPreferencesChanged {
        user_id: CUSTOMER.to_owned(),
        contact: None,
        in_clear: Contact {
            email: Some("ada@example.com".to_owned()),
            ..Contact::default()
        },
        channels: vec!["email".to_owned()],
    }
}

/// The API hands nothing over.
struct NoCourier;

#[async_trait]
impl Courier for NoCourier {
    async fn hand_over(&self, _: &Parcel) -> Result<String, DeliveryError> {
        Err(DeliveryError::NotSent("this is a test of the API".into()))
    }
}
