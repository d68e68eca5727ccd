use std::sync::Arc;

use axum::Router;
use onecommit_engine::{EventLog, Key, Table};
use onecommit_environment::Environment;
use onecommit_http::health::{Health, row_answers};
use onecommit_sealing::Sealer;
use onecommit_testing::MemoryDatabase;
use serde_json::json;
use storefront_users::Users;

use crate::seed;

/// With a user who can be reached.
pub(crate) async fn api() -> anyhow::Result<Router> {
    let (database, environment) = (Arc::<MemoryDatabase>::default(), Environment::system());
    let (table, log) = (Table::new("users"), EventLog::new(Table::new("events")));
    let keys = Table::new("subject-keys");
    let sealer = Sealer::new(database.clone(), keys, environment.clone());
    let users = Users::new(
        database.clone(),
        table.clone(),
        log,
        Arc::new(sealer),
        environment.clone(),
    );
    let api = users.api();
    seed::send(&api, "PUT", "/users/ada", &json!({"displayName": "Ada"})).await?;
    let preferences = json!({"email": "ada@example.com", "channels": ["email"]});
    seed::send(&api, "PUT", "/users/ada/preferences", &preferences).await?;
    let health = row_answers(database, table, Key::new("userId", "health"));
    Ok(api.merge(Health::new(environment).required("database", health).router()))
}
