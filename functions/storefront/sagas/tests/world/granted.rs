//! Least privilege in the simulated storefront: each context, the orchestrator, the sweeper and the relay get by with the
//! role that the template gives to their function, and with the policies of its queues.
//!
//! A context's function is also its API, so processes of the same parts ask something of each.

use std::sync::Arc;
use std::time::Duration;

use onecommit_engine::{Table, TableReader};
use onecommit_granted::{Cast, Channel, Part, Roles, template};
use onecommit_simulation::{Fault, Process, Scenario, World};
use onecommit_views::ViewControl;
use serde_json::{Value, json};
use storefront_recommendations::Recommendations;

use crate::simulated::{Shop, TROUBLED, WEATHER};
use crate::storefront::{Letterbox, Storefront, asked};

const LEDGER: (&str, &str) = ("ledger", "LedgerTable");
const EVENTS: (&str, &str) = ("events", "EventsTable");
const SAGAS: (&str, &str) = ("sagas", "SagasTable");
const KEYS_OF_PERSONS: (&str, &str) = ("subject-keys", "SubjectKeysTable");
/// After the calm schedule.
const SEEDS: u64 = 20;

const RELAY: Part = Part {
    process: "relay",
    function: "RelayFunction",
    tables: &[EVENTS],
    dead_letters: Some(("dead-letters", "RelayDlq")),
    ..Part::NOTHING
};

/// What takes from a queue of its own, and may have an API. Ledger rows and streams have the template's own names here.
const fn consumer(
    process: &'static str,
    function: &'static str,
    [queue, dead_letters]: [&'static str; 2],
    tables: &'static [(&'static str, &'static str)],
) -> Part {
    Part {
        process,
        function,
        tables,
        queue: Some((process, queue)),
        dead_letters: Some((process, dead_letters)),
        ..Part::NOTHING
    }
}

const CAST: Cast = Cast {
    parts: &[
        RELAY,
        Part {
            process: "recovery",
            ..RELAY
        },
        Part {
            process: "sweeper",
            function: "SweeperFunction",
            tables: &[SAGAS],
            indexes: &[("by-deadline", "deadlines")],
            ..Part::NOTHING
        },
        consumer(
            "orchestrator",
            "OrchestratorFunction",
            ["OrchestratorQueue", "OrchestratorDlq"],
            &[LEDGER, EVENTS, SAGAS],
        ),
        consumer(
            "orders",
            "OrdersFunction",
            ["OrdersQueue", "OrdersDlq"],
            &[LEDGER, EVENTS],
        ),
        consumer(
            "catalog",
            "CatalogFunction",
            ["CatalogQueue", "CatalogDlq"],
            &[LEDGER, EVENTS, ("catalog", "CatalogTable")],
        ),
        consumer(
            "payments",
            "PaymentsFunction",
            ["PaymentsQueue", "PaymentsDlq"],
            &[
                LEDGER,
                EVENTS,
                ("payments", "PaymentsTable"),
                ("provider", "PaymentProviderTable"),
            ],
        ),
        consumer(
            "users",
            "UsersFunction",
            ["UsersQueue", "UsersDlq"],
            &[LEDGER, EVENTS, KEYS_OF_PERSONS, ("users", "UsersTable")],
        ),
        consumer(
            "notifications",
            "NotificationsFunction",
            ["NotificationsQueue", "NotificationsDlq"],
            &[LEDGER, EVENTS, KEYS_OF_PERSONS, ("notifications", "NotificationsTable")],
        ),
        Part {
            process: "recommendations",
            function: "RecommendationsFunction",
            tables: &[("views", "ViewsTable")],
            ..Part::NOTHING
        },
    ],
    topics: &[
        ("events", Channel::Topic("EventsTopic")),
        ("wakes", Channel::Queue("OrchestratorQueue")),
    ],
    queues: &[],
    apart: &[],
};

/// The shop while callers ask something of each API. What they buy is none of what the shop itself looks at.
struct Asked(Shop);

/// Method, path and body.
type Request = (&'static str, &'static str, Value);

/// Whose API, and what is asked of it.
fn asked_for() -> [(&'static str, Vec<Request>); 6] {
    let price = json!({"minorUnits": 900, "currency": "EUR"});
    let order = json!({
        "orderId": "ord-dan", "customerId": "dan", "currency": "EUR", "paymentMethod": "card",
        "items": [{"sku": "KETTLE", "quantity": 1, "unitPriceMinor": 900}],
    });
    let nothing = Value::Null;
    [
        (
            "users/api",
            vec![
                ("PUT", "/users/dan", json!({"displayName": "dan"})),
                (
                    "PUT",
                    "/users/dan/preferences",
                    json!({"email": "dan@example.com", "channels": ["email"]}),
                ),
                ("GET", "/users/dan", nothing.clone()),
            ],
        ),
        (
            "catalog/api",
            vec![
                (
                    "PUT",
                    "/catalog/products/KETTLE",
                    json!({"name": "Kettle", "category": "kitchen", "price": price}),
                ),
                (
                    "POST",
                    "/catalog/products/KETTLE/stock",
                    json!({"additionId": "first", "quantity": 1}),
                ),
                ("GET", "/catalog/products?category=kitchen", nothing.clone()),
            ],
        ),
        (
            "orders/api",
            vec![("POST", "/orders", order), ("GET", "/orders/ord-ada", nothing.clone())],
        ),
        (
            "payments/api",
            vec![
                (
                    "PUT",
                    "/payments/local-provider/behaviour",
                    json!({"customerId": "dan", "behaviour": "approve"}),
                ),
                ("GET", "/payments?orderId=ord-ada", nothing.clone()),
            ],
        ),
        (
            "notifications/api",
            vec![
                ("GET", "/notifications/templates/orderConfirmed", nothing.clone()),
                ("GET", "/notifications?customerId=ada", nothing.clone()),
            ],
        ),
        ("recommendations/api", vec![("GET", "/recommendations/KETTLE", nothing)]),
    ]
}

/// Whoever gets no answer asks again.
async fn ask(process: Process, requests: Vec<Request>) {
    let tables = process.tables();
    let rows: Arc<dyn TableReader> = tables.clone();
    let control = ViewControl::new(tables.clone(), Table::new("views"), process.environment());
    let recommendations = Recommendations::new(rows, control, Duration::from_secs(15)).unwrap();
    let shop = Storefront::told_by(&tables, &process.environment(), Arc::new(Letterbox::default()));
    // Each describes itself at one and the same path, so they are asked one after the other.
    let api = recommendations.api().fallback_service(shop.api());
    for (method, path, body) in requests {
        while asked(&api, method, path, &body).await.0 >= 500 {
            process.environment().clock().sleep(Duration::from_secs(1)).await;
        }
    }
    process.note(format!("asked {}", process.name()));
}

impl Scenario for Asked {
    fn name(&self) -> &str {
        "the storefront, whose APIs are asked"
    }

    fn faults(&self) -> &'static [Fault] {
        self.0.faults()
    }

    fn steps_max(&self) -> u64 {
        self.0.steps_max()
    }

    fn set_up(&self, world: &mut World) {
        self.0.set_up(world);
        for (name, requests) in asked_for() {
            world.process(name, move |process| ask(process, requests.clone()));
        }
    }

    fn is_settled(&self, world: &World) -> bool {
        let notes = world.notes();
        let has_asked = |name: &str| notes.contains(&format!("asked {name}"));
        self.0.is_settled(world) && asked_for().iter().all(|(name, _)| has_asked(name))
    }

    fn judge(&self, world: &World) -> Result<(), String> {
        self.0.judge(world)
    }
}

#[test]
fn the_storefront_needs_no_more_than_its_roles_grant() {
    let roles = Roles::of(&template().unwrap(), CAST).unwrap();
    let judged = roles.judge(&Asked(TROUBLED), SEEDS, WEATHER);
    let judged = judged.unwrap_or_else(|what| panic!("{what}"));
    assert!(judged.granted > 1_000 && judged.delivered > 100, "{judged:?}");
}

#[test]
fn a_context_whose_role_lacks_a_statement_is_noticed_by_name() {
    for (owner, statement, denied) in [
        (
            "OrdersRole",
            "ReadAndTellWhatHappened",
            "orders: OrdersFunction as OrdersRole: dynamodb:",
        ),
        (
            "CatalogRole",
            "AppendToOwnStreams",
            "catalog: CatalogFunction as CatalogRole: dynamodb:PutItem on EventsTable",
        ),
        (
            "CatalogRole",
            "ListByIndex",
            "catalog: CatalogFunction as CatalogRole: dynamodb:Query on CatalogTable/index/category",
        ),
        (
            "PaymentsRole",
            "ActAsTheLocalProvider",
            "payments: PaymentsFunction as PaymentsRole: dynamodb:",
        ),
        (
            "UsersRole",
            "TellWhatHappened",
            "users: UsersFunction as UsersRole: dynamodb:PutItem on EventsTable",
        ),
        (
            "UsersRole",
            "SealPersonalData",
            "users: UsersFunction as UsersRole: dynamodb:GetItem on SubjectKeysTable",
        ),
        (
            "NotificationsRole",
            "KeepOwnRows",
            "notifications: NotificationsFunction as NotificationsRole: dynamodb:",
        ),
        (
            "NotificationsRole",
            "SealPersonalData",
            "notifications: NotificationsFunction as NotificationsRole: dynamodb:GetItem on SubjectKeysTable",
        ),
        (
            "RecommendationsRole",
            "ReadTheViews",
            "as RecommendationsRole: dynamodb:Query on ViewsTable",
        ),
        (
            "OrdersQueue",
            "TopicDelivers",
            "OrdersSubscription as sns.amazonaws.com: sqs:SendMessage on OrdersQueue",
        ),
        (
            "OrchestratorRole",
            "SendCommands",
            "orchestrator: OrchestratorFunction as OrchestratorRole: dynamodb:PutItem on EventsTable",
        ),
    ] {
        let roles = Roles::without(&template().unwrap(), CAST, owner, statement).unwrap();
        let judged = roles.judge(&Asked(TROUBLED), 0, WEATHER);
        let Err(what) = judged else {
            panic!("{owner} without {statement} is not noticed: {judged:?}")
        };
        assert!(what.contains(denied), "{owner} without {statement}: {what}");
    }
}
