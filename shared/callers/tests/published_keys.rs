//! Keys of an issuer that publishes them.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::routing::get;
use onecommit_callers::PublishedKeys;
use onecommit_environment::{Environment, SeededRandom, Timestamp};
use onecommit_testing::VirtualClock;
use onecommit_tokens::{
    Algorithm, Authenticator, Credentials, Expected, Scopes, SigningKey, TokenSigner, TokenVerifier,
};

#[tokio::test(start_paused = true)]
async fn a_token_is_checked_with_the_keys_that_its_issuer_publishes_and_they_are_fetched_once() {
    let clock = VirtualClock::showing(Timestamp::parse("2026-11-28T12:00:00Z").unwrap());
    let environment = Environment::new(Arc::new(clock), Arc::new(SeededRandom::new(1)));
    let key = SigningKey::generate(Algorithm::EdDsa, "k").unwrap();
    let published = key.public_jwks().unwrap();
    let fetched = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&fetched);
    let provider = Router::new().route(
        "/.well-known/jwks.json",
        get(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            let published = published.clone();
            async move { ([("content-type", "application/jwk-set+json")], published) }
        }),
    );
    let keys = PublishedKeys::at("https://login.example/.well-known/jwks.json").unwrap();
    let keys = keys.fetched(provider, &environment);
    let expected = Expected::service_token("issuer", "parcels");
    let verifier = TokenVerifier::new(keys, expected, environment.clone());
    let callers = Authenticator::default().with_tokens(verifier);
    let signer = TokenSigner::new(key, "issuer", "orders", environment);
    for scope in ["parcels:read", "parcels:write"] {
        let token = signer.token("parcels", &Scopes::parse(scope).unwrap()).unwrap();
        let header = format!("Bearer {}", token.expose());
        let principal = callers
            .authenticate(Credentials::of_authorization(&header))
            .await
            .unwrap();
        assert_eq!(principal.subject(), "orders");
    }
    assert_eq!(fetched.load(Ordering::Relaxed), 1);
}

#[test]
fn what_is_no_address_is_refused() {
    assert!(PublishedKeys::at("login.example").is_err());
    assert!(PublishedKeys::at("").is_err());
}
