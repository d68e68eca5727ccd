//! The contexts on tables in memory, their subgraphs, and a gateway that asks them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use onecommit_client::{Address, Client, ClientSettings, RetryPolicy};
use onecommit_engine::{Deadline, EventLog, Ledger, Table, TableReader, Verdict};
use onecommit_environment::{Environment, SeededRandom, SystemClock};
use onecommit_event::Aggregate;
use onecommit_event_store::EventStore;
use onecommit_graph::{Caller, Clients, Gateway, GraphAnswer, GraphRequest, GraphSettings, Operations, Supergraph};
use onecommit_sealing::Sealer;
use onecommit_testing::{MemoryDatabase, TestConsumer, an_event, delivery_of};
use onecommit_tokens::{Scopes, SigningKey, TokenSigner};
use onecommit_views::{EngineFactory, Projector, REFRESH, ViewControl, ViewDefinition};
use serde_json::{Value, json};
use storefront_catalog::{Catalog, ProductReader};
use storefront_graph::Subgraph;
use storefront_money::{Currency, Money};
use storefront_orders::views::{OrderSummaryView, OrdersByCustomerView};
use storefront_orders::{ConfirmOrder, CreateOrder, Line, OrderReader, Orders};
use storefront_users::{UserReader, Users};
use storefront_viewer::{LOCAL_USERS, VIEWER_TOKEN, Viewers, local_verifier};
use tower::ServiceExt;

pub(crate) const SUPERGRAPH: &str = include_str!("../../schemas/supergraph.graphql");
const SECRET: &str = "a-secret-of-at-least-32-bytes-for-tests";
const AUDIENCE: &str = "shop";

pub(crate) struct Shop {
    pub(crate) database: Arc<MemoryDatabase>,
    environment: Environment,
    catalog: Catalog,
    users: Users,
    orders: TestConsumer,
    store: EventStore,
    projector: Projector,
    sealer: Arc<Sealer>,
    control: ViewControl,
}

fn log() -> EventLog {
    EventLog::new(Table::new("events"))
}

impl Shop {
    pub(crate) fn new() -> Self {
        let database = Arc::new(MemoryDatabase::default());
        let environment = Environment::new(Arc::new(SystemClock), Arc::new(SeededRandom::new(1)));
        let store = || EventStore::new(database.clone(), log(), environment.clone());
        let keys = Table::new("subject-keys");
        let sealer = Sealer::new(database.clone(), keys, environment.clone());
        let sealer = Arc::new(sealer);
        let control = ViewControl::new(database.clone(), Table::new("views"), environment.clone());
        let engines = EngineFactory::new(database.clone(), Ledger::new(Table::new("ledger")), environment.clone());
        let views: Vec<Arc<dyn ViewDefinition>> = vec![Arc::new(OrderSummaryView), Arc::new(OrdersByCustomerView)];
        let orders = Orders::new(store(), environment.clone());
        let consumer = TestConsumer::on(database.clone(), orders.consumer("orders"), environment.clone());
        Self {
            catalog: Catalog::new(database.clone(), Table::new("catalog"), log(), environment.clone()),
            users: Users::new(
                database.clone(),
                Table::new("users"),
                log(),
                sealer.clone(),
                environment.clone(),
            ),
            orders: consumer.with_event_log(log()),
            store: store(),
            projector: Projector::new(views, engines, control.clone(), REFRESH).unwrap(),
            sealer,
            control,
            environment,
            database,
        }
    }

    /// With two products, two people, and three orders of ada's and one of grace's.
    pub(crate) async fn open() -> Self {
        let shop = Self::new();
        shop.product("CUP", 400).await;
        shop.product("TEAPOT", 1_250).await;
        shop.person("ada", "Ada").await;
        shop.person("grace", "Grace").await;
        shop.order("ord_1", "ada", &["CUP"]).await;
        shop.order("ord_2", "ada", &["CUP", "TEAPOT"]).await;
        shop.order("ord_3", "grace", &["CUP"]).await;
        shop.order("ord_4", "ada", &["TEAPOT", "GONE"]).await;
        shop.confirm("ord_2").await;
        shop
    }

    async fn put(api: Router, path: &str, body: Value) {
        let request = Request::put(path).header("content-type", "application/json");
        let request = request.body(Body::from(body.to_string())).unwrap();
        assert_eq!(api.oneshot(request).await.unwrap().status(), 200, "{path}");
    }

    pub(crate) async fn product(&self, sku: &str, minor_units: i64) {
        let price = json!({"minorUnits": minor_units, "currency": "EUR"});
        let product = json!({"name": format!("The {sku}"), "category": "tea", "price": price});
        Self::put(self.catalog.api(), &format!("/catalog/products/{sku}"), product).await;
    }

    pub(crate) async fn person(&self, id: &str, name: &str) {
        Self::put(self.users.api(), &format!("/users/{id}"), json!({"displayName": name})).await;
    }

    /// An order of two of each product.
    pub(crate) async fn order(&self, id: &str, customer: &str, skus: &[&str]) {
        let line = |sku: &&str| Line {
            sku: (*sku).to_owned(),
            quantity: 2,
            unit_price_minor: 100,
        };
        let pieces = i64::try_from(skus.len()).unwrap() * 2;
        let create = CreateOrder {
            order_id: id.to_owned(),
            customer_id: customer.to_owned(),
            items: skus.iter().map(line).collect(),
            total: Money::new(pieces * 100, Currency::new("EUR").unwrap()),
        };
        let command = an_event("OrderSaga", id, create);
        assert_eq!(self.orders.receive(&[&command]).await, [Verdict::Done]);
        self.hear(id, 1).await;
    }

    pub(crate) async fn confirm(&self, id: &str) {
        let order_id = id.to_owned();
        let command = an_event("OrderSaga", id, ConfirmOrder { order_id });
        assert_eq!(self.orders.receive(&[&command]).await, [Verdict::Done]);
        self.hear(id, 2).await;
    }

    /// The views hear of the order's events from this one on.
    async fn hear(&self, id: &str, from: u64) {
        let stream = Aggregate::new("Order", id).unwrap();
        for event in self.store.read(&stream, from).all().await.unwrap() {
            let delivery = delivery_of(&event.id().to_string(), event.to_json());
            let verdicts = self.projector.handle(&[delivery], Deadline::none()).await;
            assert_eq!(verdicts, [Verdict::Done]);
        }
    }

    pub(crate) fn subgraph(&self, name: &str) -> Router {
        let rows: Arc<dyn TableReader> = self.database.clone();
        let subgraph: Subgraph = match name {
            "catalog" => storefront_graph::catalog(ProductReader::new(rows, Table::new("catalog"))),
            "orders" => storefront_graph::orders(OrderReader::new(rows, log(), self.control.clone(), REFRESH).unwrap()),
            _ => storefront_graph::users(UserReader::new(rows, Table::new("users"), self.sealer.clone())),
        };
        let verifier = local_verifier(SECRET, AUDIENCE, &self.environment).unwrap();
        let viewers = Viewers::new([verifier]);
        onecommit_http::json_errors(subgraph.router(viewers, self.environment.clone()))
    }

    pub(crate) fn token(&self, user: &str) -> String {
        let key = SigningKey::from_secret("local", SECRET.as_bytes()).unwrap();
        let signer = TokenSigner::new(key, LOCAL_USERS, user, self.environment.clone());
        signer.token(AUDIENCE, &Scopes::none()).unwrap().expose().to_owned()
    }

    /// What a subgraph answers to a viewer, or to nobody.
    pub(crate) async fn ask(&self, subgraph: &str, query: &str, viewer: Option<&str>) -> Value {
        let token = viewer.map(|user| self.token(user));
        let (status, answer) = self.ask_with(subgraph, query, token.as_deref()).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    pub(crate) async fn ask_with(&self, subgraph: &str, query: &str, token: Option<&str>) -> (u16, Value) {
        let mut request = Request::post("/graphql").header("content-type", "application/json");
        if let Some(token) = token {
            request = request.header(VIEWER_TOKEN, token);
        }
        let body = Body::from(json!({"query": query}).to_string());
        let response = self
            .subgraph(subgraph)
            .oneshot(request.body(body).unwrap())
            .await
            .unwrap();
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }
}

/// The codes of an answer's errors, each with its place.
pub(crate) fn errors(answer: &Value) -> Vec<(String, String)> {
    let errors = answer["errors"].as_array().cloned().unwrap_or_default();
    let errors = errors.iter().map(|error| {
        let path = error.get("path").map(ToString::to_string).unwrap_or_default();
        (
            error["extensions"]["code"].as_str().unwrap_or_default().to_owned(),
            path,
        )
    });
    errors.collect()
}

/// What happened to the subgraphs: how often each was asked, and which are away.
#[derive(Default)]
struct Traffic {
    asked: BTreeMap<&'static str, usize>,
    away: Vec<&'static str>,
}

#[derive(Clone)]
struct Door {
    name: &'static str,
    traffic: Arc<Mutex<Traffic>>,
}

async fn pass(State(door): State<Door>, request: Request, next: Next) -> Response {
    let is_away = {
        let mut traffic = door.traffic.lock().unwrap();
        *traffic.asked.entry(door.name).or_default() += 1;
        traffic.away.contains(&door.name)
    };
    match is_away {
        true => StatusCode::BAD_GATEWAY.into_response(),
        false => next.run(request).await,
    }
}

/// The gateway before the shop's subgraphs.
pub(crate) struct Front<'a> {
    shop: &'a Shop,
    pub(crate) gateway: Gateway,
    traffic: Arc<Mutex<Traffic>>,
}

impl<'a> Front<'a> {
    pub(crate) fn of(shop: &'a Shop) -> Self {
        let traffic = Arc::<Mutex<Traffic>>::default();
        let mut clients = Clients::new(shop.environment.clone());
        for name in storefront_graph::NAMES {
            let door = Door {
                name,
                traffic: traffic.clone(),
            };
            let router = shop.subgraph(name).layer(from_fn_with_state(door, pass));
            let settings = ClientSettings {
                retries: RetryPolicy::new(1, 1, 1),
                cache: None,
                ..ClientSettings::default()
            };
            let address = Address::fixed(name, &format!("http://{name}.test")).unwrap();
            let client = Client::new(router, address, settings, shop.environment.clone());
            clients = clients.with(name, client, "/graphql");
        }
        let supergraph = Supergraph::parse(SUPERGRAPH).unwrap();
        let settings = GraphSettings::default();
        let gateway = Gateway::new(supergraph, Arc::new(clients), settings, shop.environment.clone()).unwrap();
        Self { shop, gateway, traffic }
    }

    pub(crate) async fn query(&self, query: &str, viewer: Option<&str>) -> Value {
        let mut caller = Caller::default();
        if let Some(user) = viewer {
            caller
                .headers
                .insert(VIEWER_TOKEN, self.shop.token(user).parse().unwrap());
        }
        let request = GraphRequest {
            query: Some(query.to_owned()),
            ..GraphRequest::default()
        };
        match self.gateway.answer(request, Operations::Queries, &caller).await {
            GraphAnswer::Refused(errors) => json!({"errors": errors}),
            GraphAnswer::Answered { data, errors } if errors.is_empty() => json!({"data": data}),
            GraphAnswer::Answered { data, errors } => json!({"data": data, "errors": errors}),
        }
    }

    pub(crate) fn take_away(&self, subgraph: &'static str) {
        self.traffic.lock().unwrap().away.push(subgraph);
    }

    pub(crate) fn bring_back(&self) {
        self.traffic.lock().unwrap().away.clear();
    }

    /// How often each subgraph was asked since the last time.
    pub(crate) fn asked(&self) -> Vec<(&'static str, usize)> {
        std::mem::take(&mut self.traffic.lock().unwrap().asked)
            .into_iter()
            .collect()
    }
}
