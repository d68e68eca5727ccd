//! The catalog over gRPC for strangers: `serve` lets them call it, `call ORIGIN` calls theirs. `make grpc-outside` runs both.

use std::error::Error;
use std::future::{Future, pending};
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use axum::http::Request;
use futures_util::TryStreamExt;
use onecommit_callers::{Guard, ServiceTokens};
use onecommit_client::{CallContext, RootCertificates};
use onecommit_engine::{DatabaseError, EventLog, Item, Key, Page, Query, Scan, Table, TableReader};
use onecommit_environment::Environment;
use onecommit_grpc::server::ServerSettings;
use onecommit_grpc::{Channel, GrpcClient, GrpcError, GrpcSettings, GrpcTrouble, Http2Transport};
use onecommit_testing::MemoryDatabase;
use onecommit_tokens::{
    Algorithm, Authenticator, Expected, Jwks, KeySet, Routes, Scopes, SigningKey, TokenSigner, TokenVerifier,
};
use serde_json::{Value, json};
use storefront_catalog::{CATALOG_SCOPES, Catalog, Sku, catalog_grpc};
use storefront_catalog_proto::catalog_service_client::CatalogServiceClient;
use storefront_catalog_proto::{BatchGetProductsRequest, GetProductRequest, ListProductsRequest, Product};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tower::ServiceExt;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const ISSUER: &str = "https://services.internal";
/// Reads of this product never end.
const SLOW: &str = "SLOW";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("serve"), None) => serve().await,
        (Some("call"), Some(origin)) => call(&origin).await,
        _ => Err("usage: grpc serve | grpc call ORIGIN".into()),
    }
}

fn say(line: &Value) -> Outcome<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// Serves for everybody, and on a second port for callers with a token, until standard input ends.
async fn serve() -> Outcome<()> {
    let (rows, environment) = (Arc::new(stocked().await?), Environment::system());
    let key = SigningKey::generate(Algorithm::EdDsa, "stranger")?;
    let keys = Jwks::fixed(KeySet::from_json(&key.public_jwks()?)?, environment.clone());
    let verifier = TokenVerifier::new(keys, Expected::service_token(ISSUER, "catalog"), environment.clone());
    let guard = Guard::new(
        Authenticator::default().with_tokens(verifier),
        Routes::parse(CATALOG_SCOPES)?,
        "catalog-grpc",
    );
    let signer = TokenSigner::new(key, ISSUER, "stranger", environment.clone());
    let token = signer.token("catalog", &Scopes::parse("catalog:read")?)?;

    let server = || {
        catalog_grpc(
            rows.clone(),
            Table::new("catalog"),
            ServerSettings::default(),
            environment.clone(),
        )
    };
    let (open, guarded) = (
        TcpListener::bind("127.0.0.1:0").await?,
        TcpListener::bind("127.0.0.1:0").await?,
    );
    let addresses = (open.local_addr()?.to_string(), guarded.local_addr()?.to_string());
    say(&json!({"open": addresses.0, "guarded": addresses.1, "token": token.expose()}))?;
    let ended = tokio::join!(
        server().serve(open, end_of_input()),
        server().guarded(guard).serve(guarded, end_of_input())
    );
    say(&json!({"ended": [format!("{:?}", ended.0?), format!("{:?}", ended.1?)]}))
}

async fn end_of_input() {
    let mut rest = Vec::new();
    let _ = tokio::io::stdin().read_to_end(&mut rest).await;
}

struct Rows(Arc<MemoryDatabase>);

#[async_trait]
impl TableReader for Rows {
    async fn get(&self, table: &Table, key: &Key) -> Result<Option<Item>, DatabaseError> {
        let is_slow = key
            .attributes()
            .iter()
            .any(|(_, value)| value.as_str() == Some("product#SLOW"));
        if is_slow {
            pending::<()>().await;
        }
        self.0.get(table, key).await
    }

    async fn query(&self, query: &Query) -> Result<Page, DatabaseError> {
        self.0.query(query).await
    }

    async fn scan(&self, scan: &Scan) -> Result<Page<Scan>, DatabaseError> {
        self.0.scan(scan).await
    }
}

/// 120 products of the category tea, and a teapot with a stock of seven.
async fn stocked() -> Outcome<Rows> {
    let database = Arc::new(MemoryDatabase::default());
    let log = EventLog::new(Table::new("events"));
    let api = Catalog::new(database.clone(), Table::new("catalog"), log, Environment::system()).api();
    let put = async |method: &str, path: String, body: Value| -> Outcome<()> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))?;
        match api.clone().oneshot(request).await?.status() {
            status if status.is_success() => Ok(()),
            status => Err(format!("the catalog answered {status}").into()),
        }
    };
    let names = (0..120)
        .map(|number| format!("P-{number:03}"))
        .chain(["TEAPOT".to_owned()]);
    for name in names {
        Sku::new(name.as_str())?;
        let category = if name == "TEAPOT" { "pots" } else { "tea" };
        let price = json!({"minorUnits": 1_250, "currency": "EUR"});
        let product = json!({"name": format!("The {name}"), "category": category, "price": price});
        put("PUT", format!("/catalog/products/{name}"), product).await?;
    }
    let addition = json!({"additionId": "first", "quantity": 7});
    put("POST", "/catalog/products/TEAPOT/stock".to_owned(), addition).await?;
    Ok(Rows(database))
}

/// Calls a stranger's server, and says what came of each call.
async fn call(origin: &str) -> Outcome<()> {
    let environment = Environment::system();
    let key = SigningKey::generate(Algorithm::EdDsa, "catalog")?;
    let signer = TokenSigner::new(key, ISSUER, "ours", environment.clone());
    let settings = GrpcSettings {
        answer_within: Duration::from_secs(2),
        identity: Some(Arc::new(ServiceTokens::new(signer, "catalog", Scopes::none()))),
        ..GrpcSettings::default()
    };
    let transport = Http2Transport::new(RootCertificates::default());
    let client = GrpcClient::new("stranger", origin, transport, settings, environment)?;
    let client = client.on_behalf_of(&CallContext::correlated("visit-7"));
    for sku in ["TEAPOT", "NONE", "DENIED", "FLAKY", "ECHO", "LARGE", SLOW] {
        say(&json!({"call": sku, "came": shown(product(&client, sku).await)}))?;
    }
    let batch = |channel: Channel| {
        let skus = vec!["B".to_owned(), "NONE".to_owned(), "A".to_owned()];
        async move {
            CatalogServiceClient::new(channel)
                .batch_get_products(BatchGetProductsRequest { skus })
                .await
        }
    };
    let batch = client.read("catalog.CatalogService/BatchGetProducts", batch).await?;
    let skus: Vec<&str> = batch.products.iter().map(|product| &*product.sku).collect();
    say(&json!({"call": "batch", "came": {"skus": skus, "unknown": batch.unknown_skus}}))?;
    for category in ["tea", "broken"] {
        say(&json!({"call": category, "came": listed(&client, category).await?}))?;
    }
    Ok(())
}

fn product(client: &GrpcClient, sku: &str) -> impl Future<Output = Result<Product, GrpcError>> {
    let call = move |channel: Channel, sku: String| async move {
        CatalogServiceClient::new(channel)
            .get_product(GetProductRequest { sku })
            .await
    };
    let (client, sku) = (client.clone(), sku.to_owned());
    async move {
        let method = "catalog.CatalogService/GetProduct";
        client.read(method, |channel| call(channel, sku.clone())).await
    }
}

async fn listed(client: &GrpcClient, category: &str) -> Outcome<Value> {
    let list = |channel: Channel| {
        let category = category.to_owned();
        async move {
            CatalogServiceClient::new(channel)
                .list_products(ListProductsRequest { category })
                .await
        }
    };
    let mut products = client.stream("catalog.CatalogService/ListProducts", list).await?;
    let mut skus = Vec::new();
    let ended = loop {
        match products.try_next().await {
            Ok(Some(product)) => skus.push(product.sku),
            Ok(None) => break json!("complete"),
            Err(error) => break shown::<()>(Err(error)),
        }
    };
    Ok(json!({"skus": skus, "ended": ended}))
}

/// A value, or what the client made of the answer.
fn shown<T: Into<Shown>>(came: Result<T, GrpcError>) -> Value {
    let error = match came {
        Ok(value) => return value.into().0,
        Err(error) => error,
    };
    let kind = match error.trouble() {
        GrpcTrouble::Refused(refusal) => format!("{:?}", refusal.code()),
        GrpcTrouble::TimedOut(_) => "TimedOut".to_owned(),
        GrpcTrouble::Unreadable => "Unreadable".to_owned(),
        other => format!("{other}"),
    };
    json!({"error": kind, "attempts": error.attempts()})
}

struct Shown(Value);

impl From<()> for Shown {
    fn from((): ()) -> Self {
        Self(Value::Null)
    }
}

impl From<Product> for Shown {
    fn from(product: Product) -> Self {
        let price = product.price.unwrap_or_default();
        Self(
            json!({"sku": product.sku, "stock": product.stock.to_string(), "available": product.available,
            "description": product.description, "imageUrl": product.image_url,
            "price": [price.minor_units, price.currency]}),
        )
    }
}
