use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use onecommit_environment::Environment;
use onecommit_tokens::{Algorithm, Expected, InvalidKey, Jwks, KeySet, Scopes, SigningKey, TokenSigner, TokenVerifier};

use super::forging::*;

fn scopes() -> Scopes {
    Scopes::parse("catalog:read").unwrap()
}

fn signer(environment: &Environment) -> TokenSigner {
    let key = SigningKey::generate(Algorithm::EdDsa, KID).unwrap();
    TokenSigner::new(key, ISSUER, "orders", environment.clone())
}

#[tokio::test(start_paused = true)]
async fn each_algorithm_signs_what_its_key_verifies() {
    let environment = environment();
    let secret = SigningKey::from_secret(KID, &[5; 32]).unwrap();
    assert_eq!(secret.public_jwks(), Err(InvalidKey::NothingToPublish));
    let pairs = [Algorithm::EdDsa, Algorithm::Es256].map(|algorithm| {
        let key = SigningKey::generate(algorithm, KID).unwrap();
        let keys = KeySet::from_json(&key.public_jwks().unwrap()).unwrap();
        (key, keys)
    });
    let shared = (secret, KeySet::default().with_secret(KID, &[5; 32]).unwrap());
    for (key, keys) in pairs.into_iter().chain([shared]) {
        let algorithm = key.algorithm();
        let signer = TokenSigner::new(key, ISSUER, "orders", environment.clone());
        let token = signer.token(AUDIENCE, &scopes()).unwrap();
        let keys = Jwks::fixed(keys, environment.clone());
        let verifier = TokenVerifier::new(keys, Expected::service_token(ISSUER, AUDIENCE), environment.clone());
        let principal = verifier.verify(token.expose()).await.unwrap();
        assert_eq!(principal.subject(), "orders", "{algorithm:?}");
        assert_eq!(principal.scopes(), &scopes());
        assert_eq!(principal.key_id(), Some(KID));
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_is_used_until_30_s_before_its_end() {
    let environment = environment();
    let signer = signer(&environment);
    let first = signer.token(AUDIENCE, &scopes()).unwrap();
    pass(&environment, 269).await;
    assert_eq!(signer.token(AUDIENCE, &scopes()).unwrap().expose(), first.expose());
    pass(&environment, 1).await;
    let second = signer.token(AUDIENCE, &scopes()).unwrap();
    assert_ne!(second.expose(), first.expose());
    assert_eq!(signer.token(AUDIENCE, &scopes()).unwrap().expose(), second.expose());
    let other = signer.token("users", &scopes()).unwrap();
    assert_ne!(other.expose(), second.expose(), "another audience has its own");
}

#[test]
fn all_who_ask_at_the_same_time_get_one_token() {
    let key = SigningKey::generate(Algorithm::EdDsa, KID).unwrap();
    let signer = Arc::new(TokenSigner::new(key, ISSUER, "orders", Environment::system()));
    let threads: Vec<_> = (0..16)
        .map(|_| {
            let signer = Arc::clone(&signer);
            std::thread::spawn(move || signer.token(AUDIENCE, &scopes()).unwrap().expose().to_owned())
        })
        .collect();
    let tokens: HashSet<String> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert_eq!(tokens.len(), 1);
}

#[test]
fn keys_that_cannot_sign_are_refused() {
    assert_eq!(
        SigningKey::from_secret(KID, &[1; 31]).unwrap_err(),
        InvalidKey::ShortSecret
    );
    assert_eq!(
        KeySet::default().with_secret(KID, &[1; 31]).unwrap_err(),
        InvalidKey::ShortSecret
    );
    assert_eq!(
        SigningKey::generate(Algorithm::Rs256, KID).unwrap_err(),
        InvalidKey::CannotSign
    );
    assert_eq!(
        SigningKey::generate(Algorithm::EdDsa, "").unwrap_err(),
        InvalidKey::KeyId
    );
    for pem in [
        "",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        OPENSSL_ED25519_PUBLIC,
    ] {
        assert_eq!(
            SigningKey::from_pem(Algorithm::EdDsa, KID, pem).unwrap_err(),
            InvalidKey::Private
        );
    }
    assert_eq!(
        SigningKey::from_pem(Algorithm::Es256, KID, OPENSSL_ED25519).unwrap_err(),
        InvalidKey::Private
    );
}

#[test]
fn a_key_as_openssl_writes_it_is_taken() {
    let key = SigningKey::from_pem(Algorithm::EdDsa, KID, OPENSSL_ED25519).unwrap();
    let jwk = key.public_jwk().unwrap();
    assert_eq!((&jwk["crv"], &jwk["kid"]), (&"Ed25519".into(), &KID.into()));
    let shown = format!("{key:?}");
    assert!(shown.contains(KID) && !shown.contains("encoding"), "{shown}");
    let key = SigningKey::from_pem(Algorithm::Es256, KID, OPENSSL_P256).unwrap();
    assert_eq!(key.public_jwk().unwrap()["crv"], "P-256");
}

const OPENSSL_ED25519: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIKSgILHKbcIQF3PAKg+1zRZKgTI9OonQHyjdOFWVJswB\n-----END PRIVATE KEY-----\n";
const OPENSSL_ED25519_PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAsBWJKY6borZSr9cGjLh3ojtnNBTcNsna/xcBgxLflN4=\n-----END PUBLIC KEY-----\n";
const OPENSSL_P256: &str = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgY9EMDchAW7dhbcw7\nBrQT8QCgTtnW1Kp0JbetznWhmFWhRANCAAQ8jIyxRWnQQ47ZfrKkk9TtTRMh8ApA\nOzoBBU2VyJtHk3piC94bo5aNy31cAxoo3j95O/ZD3B/MZttc7d8RGvf3\n-----END PRIVATE KEY-----\n";

#[tokio::test(start_paused = true)]
async fn a_lifetime_of_ones_own_is_kept_and_never_too_short_to_be_used() {
    let environment = environment();
    let key = SigningKey::from_secret(KID, &[5; 32]).unwrap();
    let keys = || KeySet::default().with_secret(KID, &[5; 32]).unwrap();
    for (asked_s, valid_s) in [(3_600, 3_600), (0, 60)] {
        let signer = TokenSigner::new(key.clone(), ISSUER, "ada", environment.clone());
        let token = signer
            .valid_for(Duration::from_secs(asked_s))
            .token(AUDIENCE, &scopes())
            .unwrap();
        let expected = Expected::user_session(ISSUER, AUDIENCE, Scopes::none());
        let keys = Jwks::fixed(keys(), environment.clone());
        let verifier = TokenVerifier::new(keys, expected, environment.clone());
        let principal = verifier.verify(token.expose()).await.unwrap();
        let left = principal.until().unwrap().since(environment.clock().now());
        assert_eq!(left.as_secs(), valid_s);
    }
}
