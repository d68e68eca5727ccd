use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use onecommit_environment::Environment;
use onecommit_tokens::{
    Algorithm, Expected, InvalidCredential as Invalid, InvalidKey, Jwks, KeySet, KeySource, KeySourceError, Refusal,
    SigningKey, TokenVerifier,
};
use serde_json::json;

use super::forging::*;

/// An issuer's endpoint: what it answers, and how often it was asked.
#[derive(Default)]
struct Endpoint {
    answer: Mutex<Option<String>>,
    requests: AtomicUsize,
    hangs: Mutex<bool>,
}

#[async_trait]
impl KeySource for Endpoint {
    async fn fetch(&self) -> Result<String, KeySourceError> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let (hangs, answer) = (*self.hangs.lock().unwrap(), self.answer.lock().unwrap().clone());
        if hangs {
            std::future::pending::<()>().await;
        }
        tokio::task::yield_now().await;
        answer.ok_or_else(|| KeySourceError("no answer".into()))
    }
}

impl Endpoint {
    fn answering(answer: impl Into<Option<String>>) -> Arc<Self> {
        let endpoint = Self::default();
        *endpoint.answer.lock().unwrap() = answer.into();
        Arc::new(endpoint)
    }

    fn answer(&self, answer: impl Into<Option<String>>) {
        *self.answer.lock().unwrap() = answer.into();
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

fn verifier_of(endpoint: &Arc<Endpoint>, environment: &Environment) -> TokenVerifier {
    let keys = Jwks::fetched(endpoint.clone(), environment.clone());
    TokenVerifier::new(keys, Expected::service_token(ISSUER, AUDIENCE), environment.clone())
}

fn several(ids: &[&str]) -> String {
    let keys: Vec<_> = ids.iter().map(|id| jwk(id, &pair())).collect();
    json!({ "keys": keys }).to_string()
}

fn token_of(id: &str, jti: u32) -> String {
    signed(
        &with(header(), json!({"kid": id})).to_string(),
        &with(claims(), json!({"jti": jti.to_string(), "exp": NOW + 3000})).to_string(),
    )
}

#[tokio::test(start_paused = true)]
async fn two_keys_overlap_while_one_takes_the_place_of_the_other() {
    let environment = environment();
    let endpoint = Endpoint::answering(several(&["old"]));
    let verifier = verifier_of(&endpoint, &environment);
    verifier.verify(&token_of("old", 1)).await.unwrap();
    endpoint.answer(several(&["old", "new"]));
    pass(&environment, 31).await;
    verifier.verify(&token_of("new", 2)).await.unwrap();
    verifier.verify(&token_of("old", 3)).await.unwrap();
    assert_eq!(endpoint.requests(), 2);
    // The old one is taken back: also of the tokens that were found valid before.
    endpoint.answer(several(&["new"]));
    pass(&environment, 601).await;
    verifier.verify(&token_of("new", 4)).await.unwrap();
    assert_eq!(refused(&verifier, &token_of("old", 1)).await, Invalid::UnknownKey);
    verifier.verify(&token_of("new", 2)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn unknown_keys_cause_one_request_per_cooldown_and_take_no_good_key_away() {
    let environment = environment();
    let endpoint = Endpoint::answering(several(&["good"]));
    let verifier = verifier_of(&endpoint, &environment);
    verifier.verify(&token_of("good", 0)).await.unwrap();
    for number in 0..1_000 {
        let token = token_of(&format!("unknown-{number}"), number);
        assert_eq!(refused(&verifier, &token).await, Invalid::UnknownKey);
    }
    assert_eq!(endpoint.requests(), 1);
    verifier.verify(&token_of("good", 1)).await.unwrap();
    pass(&environment, 30).await;
    for number in 0..100 {
        refused(&verifier, &token_of(&format!("unknown-{number}"), number)).await;
    }
    assert_eq!(endpoint.requests(), 2);
}

#[tokio::test(start_paused = true)]
async fn many_at_the_same_time_cause_one_request() {
    let environment = environment();
    let endpoint = Endpoint::answering(several(&["good"]));
    let verifier = Arc::new(verifier_of(&endpoint, &environment));
    let tasks: Vec<_> = (0..50)
        .map(|number| {
            let verifier = Arc::clone(&verifier);
            tokio::spawn(async move { verifier.verify(&token_of("good", number)).await.is_ok() })
        })
        .collect();
    for task in tasks {
        assert!(task.await.unwrap());
    }
    assert_eq!(endpoint.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_keys_of_before_stay_while_the_endpoint_is_down_or_answers_nonsense() {
    let environment = environment();
    let endpoint = Endpoint::answering(several(&["good"]));
    let verifier = verifier_of(&endpoint, &environment);
    verifier.verify(&token_of("good", 0)).await.unwrap();
    let answers = [
        None,
        Some("<html>".to_owned()),
        Some("{}".to_owned()),
        Some(json!({"keys": []}).to_string()),
        Some(json!({"keys": [{"kty": "oct", "kid": "good", "k": "AAAA"}]}).to_string()),
        Some(format!("{{\"keys\": [{}]}}", " ".repeat(70_000))),
    ];
    for (number, answer) in (1..).zip(answers) {
        endpoint.answer(answer.clone());
        pass(&environment, 601).await;
        // Its own token would have ended by now.
        let now = environment.clock().now().unix_seconds();
        let claims = with(claims(), json!({"iat": now, "nbf": now, "exp": now + 300})).to_string();
        let token = signed(&with(header(), json!({"kid": "good"})).to_string(), &claims);
        assert!(verifier.verify(&token).await.is_ok(), "{answer:?}");
        assert_eq!(endpoint.requests(), 1 + number);
    }
}

#[tokio::test(start_paused = true)]
async fn without_any_key_a_token_is_neither_valid_nor_invalid() {
    let environment = environment();
    let endpoint = Endpoint::answering(None);
    let verifier = verifier_of(&endpoint, &environment);
    for _ in 0..2 {
        let refusal = verifier.verify(&token_of("good", 0)).await.unwrap_err();
        assert!(matches!(refusal, Refusal::Unavailable(_)), "{refusal:?}");
    }
    assert_eq!(endpoint.requests(), 1);
    *endpoint.hangs.lock().unwrap() = true;
    pass(&environment, 1).await;
    let refusal = verifier.verify(&token_of("good", 0)).await.unwrap_err();
    assert_eq!(refusal.status(), 503, "it does not wait for ever");
    *endpoint.hangs.lock().unwrap() = false;
    endpoint.answer(several(&["good"]));
    pass(&environment, 1).await;
    verifier.verify(&token_of("good", 0)).await.unwrap();
}

#[test]
fn only_public_keys_to_verify_with_are_taken_from_a_set() {
    let good = jwk("good", &pair());
    let es256 = SigningKey::generate(Algorithm::Es256, "ec")
        .unwrap()
        .public_jwk()
        .unwrap();
    let unusable = [
        json!({"kty": "oct", "kid": "a", "alg": "HS256", "k": "A".repeat(43)}),
        with(good.clone(), json!({"kid": null})),
        with(good.clone(), json!({"kid": ""})),
        with(good.clone(), json!({"use": "enc"})),
        with(good.clone(), json!({"key_ops": ["sign"]})),
        with(good.clone(), json!({"alg": "ES256"})),
        with(good.clone(), json!({"alg": "HS256"})),
        with(good.clone(), json!({"crv": "Ed448"})),
        with(good.clone(), json!({"x": "AAAA"})),
        with(good.clone(), json!({"x": "!"})),
        with(es256.clone(), json!({"crv": "P-384"})),
        json!({"kty": "RSA", "kid": "weak", "n": "AQAB", "e": "AQAB"}),
        json!({"kty": "future", "kid": "f"}),
        json!(7),
    ];
    for key in unusable {
        assert_eq!(
            KeySet::from_json(&json!({"keys": [key]}).to_string()),
            Err(InvalidKey::NoKey),
            "{key}"
        );
        // One key of a kind that is not known does not cost the others.
        assert!(KeySet::from_json(&json!({"keys": [key, good]}).to_string()).is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_signs_with_rsa() {
    let environment = environment();
    let keys = KeySet::from_json(RSA_JWKS).unwrap();
    let expected = Expected::service_token("https://id.example", "catalog");
    let verifier = TokenVerifier::new(Jwks::fixed(keys, environment.clone()), expected, environment);
    assert_eq!(verifier.verify(RSA_TOKEN).await.unwrap().subject(), "user-7");
    let (start, _) = RSA_TOKEN.rsplit_once('.').unwrap();
    let forged = signed_by("{}", "{}", hmac_of(RSA_JWKS.as_bytes()));
    let forged = format!("{start}.{}", forged.rsplit_once('.').unwrap().1);
    assert_eq!(refused(&verifier, &forged).await, Invalid::Signature);
}

/// Made once with `openssl dgst -sha256 -sign`, of a key that was thrown away.
const RSA_JWKS: &str = r#"{"keys": [{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "rsa-1", "n": "sFC1e04t094Azd-GIyqmqAU61z-l7SZwB8Z_BBm5y-XdKHEAkMddKvG35K_n6B1JIqPmdm6QEtluimOkoJzS55im9nGwdfcd8NkQIBDoIbxuQssXBWFsTJj61-jvK--uLvsOOmDg4JxfjReN1Nh3os4cZGgZWadFfA3hP_jKYePBQMkzcMubDQkd9xyZtxtC0s-xiBriWGkoUCDpRGaVM-UFzs-NeJt3FzoWzS4IiSgC9Kx15Krxiu0qVxJ56pIoAZMpEpB_5Kg7X_bvrLvstkdSqzWccsWFnFNJCBJxQv9IBjk48T-mUMSp_bXC6cQqni5mWuu7KmQiP0zyvZ5hwQ", "e": "AQAB"}]}"#;
const RSA_TOKEN: &str = "eyJhbGciOiAiUlMyNTYiLCAidHlwIjogImF0K2p3dCIsICJraWQiOiAicnNhLTEifQ.eyJpc3MiOiAiaHR0cHM6Ly9pZC5leGFtcGxlIiwgImF1ZCI6ICJjYXRhbG9nIiwgInN1YiI6ICJ1c2VyLTciLCAiaWF0IjogMTc5NTA3MTYwMCwgImV4cCI6IDE3OTUwNzE5MDAsICJqdGkiOiAiMSIsICJzY29wZSI6ICJvcmRlcnM6cmVhZCJ9.d31i1u-C6VIGsTAAWcuam2QVRcqQvQC7e4k6FEqqFnldn1D4PebPx0MAwKcf7YVgi-BJ9AvN97bFDXULag3R5fHrzMcVsr2Je8_ZkarsCUBzQZ5BjTRM50G_2Reogw1OSlQpeDuA4ThaVlc25RSkDz93vBpdE-v1V96gCAlsgzbDLgEwOxTeyJeJgGQwCvj6RfmBWpGDQgvWpYmIGQUUhZauSEp2GSBwhyJ83NW3r4arr3GzTBPBYNow3gBhZhzxQUJizD3l0aRk1K1Te-pVxY020wjKnZuLY-GaZcpk769LtReQc9N5JzZqJ1pXrSEkRIPMj4nl5gxNECk4ifbyRA";
