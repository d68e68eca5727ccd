//! Tokens as an attacker, or a signer with bugs, would write them: any header, any claims, any signature.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use onecommit_environment::{Environment, SeededRandom, Timestamp};
use onecommit_testing::VirtualClock;
use onecommit_tokens::{Expected, InvalidCredential, Jwks, KeySet, Refusal, TokenVerifier};
use ring::hmac;
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

pub(super) const NOW: i64 = 1_795_071_600;
pub(super) const ISSUER: &str = "https://orders.internal";
pub(super) const AUDIENCE: &str = "catalog";
pub(super) const KID: &str = "orders-1";

pub(super) fn environment() -> Environment {
    let clock = VirtualClock::showing(Timestamp::from_unix_ms(NOW * 1000));
    Environment::new(Arc::new(clock), Arc::new(SeededRandom::new(11)))
}

/// The key of a test: Ed25519 from a fixed seed.
pub(super) fn pair() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()
}

pub(super) fn jwk(id: &str, pair: &Ed25519KeyPair) -> Value {
    let x = URL_SAFE_NO_PAD.encode(pair.public_key());
    json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": id, "x": x})
}

pub(super) fn jwks(id: &str) -> String {
    json!({"keys": [jwk(id, &pair())]}).to_string()
}

pub(super) fn header() -> Value {
    json!({"alg": "EdDSA", "typ": "at+jwt", "kid": KID})
}

pub(super) fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "orders", "iat": NOW, "nbf": NOW, "exp": NOW + 300,
        "jti": "0192", "scope": "catalog:read",
    })
}

/// The same object with some members changed; `null` takes one away.
pub(super) fn with(mut object: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => object.as_object_mut().unwrap().remove(name),
            value => object.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    object
}

/// A token of these texts, signed with the test's key.
pub(super) fn signed(header: &str, claims: &str) -> String {
    signed_by(header, claims, |message| pair().sign(message).as_ref().to_vec())
}

pub(super) fn signed_by(header: &str, claims: &str, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(sign(message.as_bytes())))
}

pub(super) fn hmac_of(secret: &[u8]) -> impl Fn(&[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    move |message| hmac::sign(&key, message).as_ref().to_vec()
}

/// A good token with other claims.
pub(super) fn claiming(changes: Value) -> String {
    signed(&header().to_string(), &with(claims(), changes).to_string())
}

/// A good token with another header.
pub(super) fn headed(changes: Value) -> String {
    signed(&with(header(), changes).to_string(), &claims().to_string())
}

pub(super) fn verifier(environment: &Environment) -> TokenVerifier {
    let keys = KeySet::from_json(&jwks(KID)).unwrap();
    let keys = Jwks::fixed(keys, environment.clone());
    TokenVerifier::new(keys, Expected::service_token(ISSUER, AUDIENCE), environment.clone())
}

pub(super) async fn refused(verifier: &TokenVerifier, token: &str) -> InvalidCredential {
    match verifier.verify(token).await {
        Err(Refusal::Invalid(reason)) => reason,
        other => panic!("not refused: {other:?}"),
    }
}

pub(super) async fn pass(environment: &Environment, seconds: u64) {
    environment.clock().sleep(Duration::from_secs(seconds)).await;
}
