//! The contexts' APIs in memory, in the forms that they answer with, and a front door before them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use onecommit_client::{Address, ProcessCircuits};
use onecommit_environment::{Environment, SeededRandom, Timestamp};
use onecommit_grpc::GrpcTransport;
use onecommit_testing::VirtualClock;
use onecommit_tokens::{Scopes, SigningKey, TokenSigner};
use serde_json::{Value, json};
use storefront_bff::{Addresses, Bff, BffSettings, LOCAL_USERS, LocalIssuer, Origin, Services, Sessions};
use tower::ServiceExt;

const NOW: &str = "2026-11-22T07:00:00Z";
const SECRET: &str = "a-secret-of-at-least-32-bytes-for-tests";
const AUDIENCE: &str = "onecommit";
pub(crate) const SITE: &str = "https://shop.example";
pub(crate) const HOST: &str = "shop.example";

/// How a service behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    Down,
    Hangs,
    Answers(StatusCode, &'static str, String),
}

#[derive(Default)]
pub(crate) struct Shop {
    pub(crate) products: BTreeMap<String, Value>,
    pub(crate) orders: BTreeMap<String, Value>,
    pub(crate) users: BTreeMap<String, Value>,
    pub(crate) notifications: Vec<Value>,
    pub(crate) recommended: Vec<String>,
    pub(crate) totals: Value,
    pub(crate) behaviours: BTreeMap<&'static str, Behaviour>,
    /// Each request that came, as `METHOD /path?query`.
    pub(crate) requests: Vec<String>,
    pub(crate) correlation_ids: BTreeSet<String>,
}

pub(crate) type Shared = Arc<Mutex<Shop>>;

pub(crate) struct Fixture {
    pub(crate) shop: Shared,
    pub(crate) bff: Bff,
    pub(crate) environment: Environment,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self::with(BffSettings::default())
    }

    pub(crate) fn with(settings: BffSettings) -> Self {
        Self::on(Origin::new(SITE).unwrap(), settings)
    }

    /// Before a context orders that is not played.
    pub(crate) fn with_orders(orders: Router) -> Self {
        let origin = Origin::new(SITE).unwrap();
        Self::around(Shared::default(), orders, origin, BffSettings::default())
    }

    pub(crate) fn on(origin: Origin, settings: BffSettings) -> Self {
        let shop = Shared::default();
        Self::around(shop.clone(), played_orders(shop), origin, settings)
    }

    /// Before a catalog that is called over gRPC through this transport.
    pub(crate) fn with_inventory(transport: impl GrpcTransport + 'static) -> Self {
        let shop = Shared::default();
        let (orders, origin) = (played_orders(shop.clone()), Origin::new(SITE).unwrap());
        Self::before(shop, orders, origin, BffSettings::default(), |services, environment| {
            let origin = "http://catalog-grpc.test:50051";
            let circuits = ProcessCircuits::local(environment.clone());
            services
                .with_inventory(origin, transport, None, &circuits, environment)
                .unwrap()
        })
    }

    fn around(shop: Shared, orders: Router, origin: Origin, settings: BffSettings) -> Self {
        Self::before(shop, orders, origin, settings, |services, _| services)
    }

    fn before(
        shop: Shared,
        orders: Router,
        origin: Origin,
        settings: BffSettings,
        more: impl FnOnce(Services, &Environment) -> Services,
    ) -> Self {
        let clock = Arc::new(VirtualClock::showing(Timestamp::parse(NOW).unwrap()));
        let environment = Environment::new(clock, Arc::new(SeededRandom::new(7)));
        shop.lock().unwrap().totals = json!({"orders": 0, "pending": 0, "spent": []});
        let address = |name: &str| Address::fixed(name, &format!("http://{name}.test")).unwrap();
        let addresses = Addresses {
            catalog: address("catalog"),
            orders: address("orders"),
            users: address("users"),
            notifications: address("notifications"),
            recommendations: address("recommendations"),
        };
        let circuits = ProcessCircuits::local(environment.clone());
        let contexts = contexts(shop.clone(), orders);
        let services = Services::new(contexts, addresses, None, &circuits, &environment).unwrap();
        let services = more(services, &environment);
        let (local, verifier) = LocalIssuer::new(SECRET, AUDIENCE, environment.clone()).unwrap();
        let sessions = Sessions::new(vec![verifier], Some(local), origin, environment.clone());
        Self {
            bff: Bff::new(services, sessions, settings, environment.clone()),
            shop,
            environment,
        }
    }

    /// What `Authorization` of this person holds.
    pub(crate) fn bearer(&self, user: &str) -> String {
        token_of(user, LOCAL_USERS, AUDIENCE, &self.environment)
    }

    pub(crate) fn bearer_of(&self, user: &str, issuer: &str, audience: &str) -> String {
        token_of(user, issuer, audience, &self.environment)
    }

    pub(crate) fn set(&self, service: &'static str, behaviour: Behaviour) {
        self.shop.lock().unwrap().behaviours.insert(service, behaviour);
    }

    pub(crate) fn product(&self, sku: &str, minor_units: i64, available: bool) {
        let product = json!({"sku": sku, "name": format!("The {sku}"), "category": "tea", "description": "",
            "imageUrl": format!("https://images.example/{sku}.png"), "available": available,
            "price": {"minorUnits": minor_units, "currency": "EUR"}});
        self.shop.lock().unwrap().products.insert(sku.to_owned(), product);
    }

    pub(crate) fn order(&self, id: &str, customer: &str, status: &str, version: u64) {
        let order = json!({"orderId": id, "status": status, "customerId": customer, "version": version,
            "items": [{"sku": "TEAPOT", "quantity": 1, "unitPriceMinor": 1250}], "paymentMethod": "card",
            "total": {"minorUnits": 1250, "currency": "EUR"}, "createdAt": "2026-11-22T06:00:00.000Z"});
        self.shop.lock().unwrap().orders.insert(id.to_owned(), order);
    }

    pub(crate) async fn send(&self, request: Request) -> Answer {
        Answer::of(self.bff.router().oneshot(request).await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str, user: &str) -> Answer {
        self.send(asked(Method::GET, path, &[("authorization", &self.bearer(user))], ""))
            .await
    }

    pub(crate) async fn place(&self, user: &str, key: &str, body: &Value) -> Answer {
        let headers = [
            ("authorization", &*self.bearer(user)),
            ("idempotency-key", key),
            ("content-type", "application/json"),
        ];
        self.send(asked(Method::POST, "/orders", &headers, &body.to_string()))
            .await
    }

    pub(crate) fn requests_to(&self, start: &str) -> usize {
        let shop = self.shop.lock().unwrap();
        shop.requests
            .iter()
            .filter(|request| request.starts_with(start))
            .count()
    }
}

fn token_of(user: &str, issuer: &str, audience: &str, environment: &Environment) -> String {
    let key = SigningKey::from_secret("local", SECRET.as_bytes()).unwrap();
    let signer = TokenSigner::new(key, issuer, user, environment.clone());
    format!("Bearer {}", signer.token(audience, &Scopes::none()).unwrap().expose())
}

pub(crate) fn asked(method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Request {
    let mut request = Request::builder().method(method).uri(path).header("host", HOST);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(body.to_owned())).unwrap()
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) async fn of(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 1 << 20).await.unwrap();
        Self {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The code of an error, which is a problem of RFC 9457 or the API's own JSON.
    pub(crate) fn code(&self) -> String {
        assert!(self.header("content-type").contains("json"), "{self:?}");
        self.json()["error"].as_str().unwrap_or_default().to_owned()
    }
}

fn contexts(shop: Shared, orders: Router) -> Router {
    Router::new()
        .route(
            "/catalog/categories",
            get(async || Json(json!({"categories": ["tea"]}))),
        )
        .route("/catalog/products", get(products))
        .route("/users/{id}", get(user))
        .route("/notifications", get(notifications))
        .route("/recommendations", get(recommendations))
        .route("/health/live", get(async || Json(json!({"status": "healthy"}))))
        .with_state(shop.clone())
        .merge(orders)
        .layer(from_fn_with_state(shop, behave))
}

fn played_orders(shop: Shared) -> Router {
    Router::new()
        .route("/orders", get(orders).post(place))
        .route("/orders/{id}", get(order))
        .route("/orders/{id}/events", get(history))
        .with_state(shop)
}

/// Does what the service is told to do, before anything else.
async fn behave(State(shop): State<Shared>, request: Request, next: Next) -> Response {
    let service = match request.uri().path() {
        path if path.starts_with("/health") => request.uri().host().and_then(|host| host.split('.').next()),
        path => path.split('/').nth(1),
    };
    let service = service.unwrap_or_default().to_owned();
    let behaviour = {
        let mut shop = shop.lock().unwrap();
        let target = request.uri().path_and_query().map(ToString::to_string);
        shop.requests
            .push(format!("{} {}", request.method(), target.unwrap_or_default()));
        let correlation = request.headers().get("x-correlation-id");
        let correlation = correlation.map(|id| id.to_str().unwrap().to_owned());
        shop.correlation_ids.extend(correlation);
        shop.behaviours.get(&*service).cloned()
    };
    match behaviour {
        None => next.run(request).await,
        Some(Behaviour::Down) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Some(Behaviour::Hangs) => {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            StatusCode::OK.into_response()
        }
        Some(Behaviour::Answers(status, kind, body)) => (status, [("content-type", kind)], body).into_response(),
    }
}

type Queried = Query<BTreeMap<String, String>>;

fn missing(code: &str) -> Response {
    (
        StatusCode::NOT_FOUND,
        Json(json!({"error": code, "message": "there is none"})),
    )
        .into_response()
}

async fn products(State(shop): State<Shared>, Query(query): Queried) -> Response {
    let shop = shop.lock().unwrap();
    let products: Vec<Value> = match query.get("sku") {
        Some(skus) => skus
            .split(',')
            .filter_map(|sku| shop.products.get(sku))
            .cloned()
            .collect(),
        None => shop.products.values().cloned().collect(),
    };
    Json(json!({"products": products, "unknown": []})).into_response()
}

async fn orders(State(shop): State<Shared>, Query(query): Queried) -> Response {
    let shop = shop.lock().unwrap();
    let of_customer = |order: &&Value| order["customerId"] == query["customerId"].as_str();
    let orders = shop.orders.values().filter(of_customer).cloned();
    let limit: usize = query["limit"].parse().unwrap();
    let orders: Vec<Value> = orders.rev().take(limit).collect();
    Json(json!({"orders": orders, "totals": shop.totals})).into_response()
}

async fn order(State(shop): State<Shared>, Path(id): Path<String>) -> Response {
    let shop = shop.lock().unwrap();
    shop.orders
        .get(&id)
        .map_or_else(|| missing("unknownOrder"), |order| Json(order.clone()).into_response())
}

async fn history(State(shop): State<Shared>, Path(id): Path<String>) -> Response {
    let shop = shop.lock().unwrap();
    let Some(order) = shop.orders.get(&id) else {
        return missing("unknownOrder");
    };
    let requested = json!({"eventType": "OrderRequested", "payload": order});
    Json(json!({"events": [requested, {"eventType": "OrderCreated", "payload": {}}]})).into_response()
}

/// As the context orders places one: once for each id, and only the same again.
async fn place(State(shop): State<Shared>, Json(wanted): Json<Value>) -> Response {
    let mut shop = shop.lock().unwrap();
    let id = wanted["orderId"].as_str().unwrap().to_owned();
    let prices = wanted["items"].as_array().unwrap().iter();
    let total: i64 = prices
        .map(|item| item["unitPriceMinor"].as_i64().unwrap() * item["quantity"].as_i64().unwrap())
        .sum();
    let total = json!({"minorUnits": total, "currency": wanted["currency"]});
    let order = json!({"orderId": id, "customerId": wanted["customerId"], "items": wanted["items"], "total": total,
        "paymentMethod": wanted["paymentMethod"], "status": "requested", "version": 0,
        "createdAt": "2026-11-22T07:00:00.000Z"});
    let status = match shop.orders.get(&id) {
        None => StatusCode::ACCEPTED,
        Some(before) if *before == order => StatusCode::OK,
        Some(_) => {
            let taken = json!({"error": "orderIdTaken", "message": "it was requested before with other items"});
            return (StatusCode::CONFLICT, Json(taken)).into_response();
        }
    };
    shop.orders.insert(id.clone(), order);
    (status, Json(json!({"orderId": id, "total": total}))).into_response()
}

async fn user(State(shop): State<Shared>, Path(id): Path<String>) -> Response {
    let shop = shop.lock().unwrap();
    shop.users
        .get(&id)
        .map_or_else(|| missing("unknownUser"), |user| Json(user.clone()).into_response())
}

async fn notifications(State(shop): State<Shared>) -> Response {
    let shop = shop.lock().unwrap();
    Json(json!({"notifications": shop.notifications})).into_response()
}

async fn recommendations(State(shop): State<Shared>) -> Response {
    let shop = shop.lock().unwrap();
    let skus: Vec<Value> = shop
        .recommended
        .iter()
        .map(|sku| json!({"sku": sku, "orders": 3}))
        .collect();
    Json(json!({"customerId": "ada", "recommendations": skus})).into_response()
}
