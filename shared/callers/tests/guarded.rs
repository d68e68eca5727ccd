//! What callers of a guarded router meet.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::routing::get;
use axum::{Extension, Router};
use onecommit_callers::{Guard, identified};
use onecommit_engine::{DatabaseError, EventLog, Table, TransientKind};
use onecommit_environment::{Environment, SeededRandom, Timestamp};
use onecommit_http::{Caller, json_errors, limited};
use onecommit_resilience::RateLimits;
use onecommit_testing::{MemoryDatabase, VirtualClock};
use onecommit_tokens::{
    ApiKeyVerifier, ApiKeys, Authenticator, Expected, Jwks, KeySet, NewApiKey, Principal, Routes, Scopes, SigningKey,
    TokenSigner, TokenVerifier,
};
use serde_json::Value;
use tower::ServiceExt;

const SECRET: [u8; 32] = [4; 32];

struct Fixture {
    tables: Arc<MemoryDatabase>,
    environment: Environment,
}

async fn parcel(Extension(principal): Extension<Principal>, caller: Option<Extension<Caller>>) -> String {
    format!("{} {}", principal.subject(), caller.is_some())
}

impl Fixture {
    fn new() -> Self {
        let clock = VirtualClock::showing(Timestamp::parse("2026-11-28T12:00:00Z").unwrap());
        Self {
            tables: Arc::new(MemoryDatabase::default()),
            environment: Environment::new(Arc::new(clock), Arc::new(SeededRandom::new(1))),
        }
    }

    fn api(&self) -> Router {
        let (tables, environment) = (self.tables.clone(), self.environment.clone());
        let keys = KeySet::default().with_secret("k", &SECRET).unwrap();
        let expected = Expected::service_token("issuer", "parcels");
        let tokens = TokenVerifier::new(Jwks::fixed(keys, environment.clone()), expected, environment.clone());
        let api_keys = ApiKeyVerifier::new(tables.clone(), Table::new("keys"), environment.clone());
        let callers = Authenticator::default().with_tokens(tokens).with_api_keys(api_keys);
        let routes = Routes::parse("GET /parcels/{id} parcels:read; PUT /parcels/{id} parcels:write").unwrap();
        let api = Router::new()
            .route("/parcels/{id}", get(parcel).put(parcel))
            .route("/secret", get(parcel));
        let limits = RateLimits::new(tables, Table::new("keys"), "keyId", environment);
        json_errors(identified(limited(api, limits), Guard::new(callers, routes, "parcels")))
    }

    fn token(&self, scopes: &str) -> String {
        let key = SigningKey::from_secret("k", &SECRET).unwrap();
        let signer = TokenSigner::new(key, "issuer", "orders", self.environment.clone());
        format!(
            "Bearer {}",
            signer
                .token("parcels", &Scopes::parse(scopes).unwrap())
                .unwrap()
                .expose()
        )
    }

    async fn api_key(&self, requests_per_minute: u32) -> String {
        let log = EventLog::new(Table::new("events"));
        let table = Table::new("keys");
        let keys = ApiKeys::new(self.tables.clone(), table, log, self.environment.clone());
        let new = NewApiKey {
            rate_per_minute: requests_per_minute,
            ..NewApiKey::new("partner", Scopes::parse("parcels:read").unwrap(), "ada")
        };
        keys.create(new).await.unwrap().0.expose().to_owned()
    }
}

async fn ask(api: &Router, method: &str, path: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, String) {
    let request = Request::builder().method(method).uri(path);
    let request = headers
        .iter()
        .fold(request, |request, (name, value)| request.header(*name, *value));
    let response = api.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, headers, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_caller_is_let_in_to_the_routes_of_its_scopes() {
    let fixture = Fixture::new();
    let (api, token) = (fixture.api(), fixture.token("parcels:read"));
    let (status, _, body) = ask(&api, "GET", "/parcels/p-1", &[("authorization", &token)]).await;
    assert_eq!((status.as_u16(), body.as_str()), (200, "orders false"));
    let (status, headers, body) = ask(&api, "PUT", "/parcels/p-1", &[("authorization", &token)]).await;
    assert_eq!(status.as_u16(), 403);
    assert_eq!(
        headers["www-authenticate"],
        r#"Bearer realm="parcels", error="insufficient_scope", scope="parcels:write""#
    );
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (&body["error"], &body["status"]),
        (&"insufficientScope".into(), &403.into())
    );
    // What is not listed is nobody's.
    let (status, ..) = ask(&api, "GET", "/secret", &[("authorization", &token)]).await;
    assert_eq!(status.as_u16(), 403);
    for path in ["/nowhere", "/parcels/p-1/x", "/parcels//"] {
        let (status, ..) = ask(&api, "GET", path, &[("authorization", &token)]).await;
        assert_eq!(status.as_u16(), 404, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_caller_gets_a_challenge() {
    let fixture = Fixture::new();
    let (api, token) = (fixture.api(), fixture.token("parcels:read"));
    let (status, headers, _) = ask(&api, "GET", "/parcels/p-1", &[]).await;
    assert_eq!(
        (status.as_u16(), &headers["www-authenticate"]),
        (401, &"Bearer realm=\"parcels\"".parse().unwrap())
    );
    let wrong: [&[(&str, &str)]; 4] = [
        &[("authorization", "Bearer a.b.c")],
        &[("authorization", &token), ("authorization", &token)],
        &[("authorization", &token), ("x-api-key", "ock_")],
        &[("x-api-key", &token)],
    ];
    for headers in wrong {
        let (status, headers, body) = ask(&api, "GET", "/parcels/p-1", headers).await;
        assert_eq!(status.as_u16(), 401);
        assert_eq!(headers["content-type"], "application/problem+json");
        assert!(
            headers["www-authenticate"]
                .to_str()
                .unwrap()
                .contains("error=\"invalid_token\"")
        );
        assert!(
            body.contains("invalidToken") && !body.contains(&token[20..40]),
            "{body}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_api_key_is_held_to_its_rate_and_a_table_that_is_down_refuses_nobody_for_good() {
    let fixture = Fixture::new();
    let (api, key) = (fixture.api(), fixture.api_key(10).await);
    fixture
        .tables
        .fail_next(DatabaseError::Transient(TransientKind::Unavailable, "no answer".into()));
    let (status, headers, _) = ask(&api, "GET", "/parcels/p-1", &[("x-api-key", &key)]).await;
    assert_eq!((status.as_u16(), &headers["retry-after"]), (503, &"1".parse().unwrap()));
    let mut served = 0;
    for _ in 0..30 {
        let (status, _, body) = ask(&api, "GET", "/parcels/p-1", &[("x-api-key", &key)]).await;
        match status.as_u16() {
            200 => served += 1,
            status => assert_eq!(status, 429, "{body}"),
        }
    }
    assert!((1..=10).contains(&served), "{served} of 10");
}
