//! The known attacks, each against a verifier that accepts the same token without it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use onecommit_tokens::{Expected, InvalidCredential as Invalid, Jwks, KeySet, Scopes, TokenVerifier};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

use super::forging::*;

#[tokio::test(start_paused = true)]
async fn the_token_that_the_attacks_change_is_accepted() {
    let verifier = verifier(&environment());
    assert!(verifier.verify(&claiming(json!({}))).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_token_without_a_signature_is_refused() {
    let verifier = verifier(&environment());
    for algorithm in ["none", "None", "NONE", "nOnE"] {
        let header = with(header(), json!({"alg": algorithm})).to_string();
        let unsigned = signed_by(&header, &claims().to_string(), |_| Vec::new());
        assert_eq!(refused(&verifier, &unsigned).await, Invalid::Malformed, "{algorithm}");
        let signed = signed(&header, &claims().to_string());
        assert_eq!(refused(&verifier, &signed).await, Invalid::Malformed, "{algorithm}");
    }
    let good = claiming(json!({}));
    let (unsigned, _) = good.rsplit_once('.').unwrap();
    for token in [format!("{unsigned}."), unsigned.to_owned()] {
        verifier.verify(&token).await.unwrap_err();
    }
}

#[tokio::test(start_paused = true)]
async fn a_public_key_is_not_taken_for_a_shared_secret() {
    let verifier = verifier(&environment());
    let published = jwks(KID);
    let pair = pair();
    let secrets = [pair.public_key().as_ref(), published.as_bytes()];
    for secret in secrets {
        let header = with(header(), json!({"alg": "HS256"})).to_string();
        let token = signed_by(&header, &claims().to_string(), hmac_of(secret));
        assert_eq!(refused(&verifier, &token).await, Invalid::Algorithm);
    }
    for algorithm in ["RS256", "PS256", "ES256", "HS512"] {
        let token = headed(json!({"alg": algorithm}));
        assert_eq!(refused(&verifier, &token).await, Invalid::Algorithm, "{algorithm}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_shared_secret_is_not_taken_for_a_public_key() {
    let environment = environment();
    let secret = [9; 32];
    let keys = KeySet::default().with_secret(KID, &secret).unwrap();
    let keys = Jwks::fixed(keys, environment.clone());
    let verifier = TokenVerifier::new(keys, Expected::service_token(ISSUER, AUDIENCE), environment);
    let header = with(header(), json!({"alg": "HS256"})).to_string();
    let token = signed_by(&header, &claims().to_string(), hmac_of(&secret));
    assert!(verifier.verify(&token).await.is_ok());
    let of_secret = Ed25519KeyPair::from_seed_unchecked(&secret).unwrap();
    let forged = signed_by(
        &super::forging::header().to_string(),
        &claims().to_string(),
        |message| of_secret.sign(message).as_ref().to_vec(),
    );
    assert_eq!(refused(&verifier, &forged).await, Invalid::Algorithm);
}

#[tokio::test(start_paused = true)]
async fn a_token_does_not_bring_its_own_key() {
    let verifier = verifier(&environment());
    let attacker = Ed25519KeyPair::from_seed_unchecked(&[66; 32]).unwrap();
    let parameters = [
        json!({"jku": "https://attacker.example/jwks.json"}),
        json!({"x5u": "https://attacker.example/cert.pem"}),
        json!({"jwk": jwk(KID, &attacker)}),
        json!({"x5c": ["MIIB"]}),
        json!({"crit": ["exp"], "exp": NOW + 300}),
        json!({"crit": []}),
        json!({"b64": false}),
        json!({"b64": false, "crit": ["b64"]}),
        json!({"zip": "DEF"}),
        json!({"enc": "A256GCM"}),
    ];
    for parameter in parameters {
        let header = with(header(), parameter.clone()).to_string();
        for pair in [&pair(), &attacker] {
            let token = signed_by(&header, &claims().to_string(), |message| {
                pair.sign(message).as_ref().to_vec()
            });
            let reason = refused(&verifier, &token).await;
            assert_eq!(reason, Invalid::TokenHeader, "{parameter}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_id_is_only_compared() {
    let verifier = verifier(&environment());
    let long = "k".repeat(5_000);
    let ids = [
        "../../../dev/null",
        "' OR 1=1 --",
        "orders-1\0",
        "",
        "orders-1/",
        "ORDERS-1",
        &long,
        "http://169.254.169.254/",
    ];
    for id in ids {
        let token = headed(json!({"kid": id}));
        assert_eq!(refused(&verifier, &token).await, Invalid::UnknownKey, "{id}");
    }
    assert_eq!(
        refused(&verifier, &headed(json!({"kid": null}))).await,
        Invalid::UnknownKey
    );
    let token = headed(json!({"kid": ["orders-1"]}));
    assert_eq!(refused(&verifier, &token).await, Invalid::Malformed);
}

#[tokio::test(start_paused = true)]
async fn a_changed_token_is_refused_also_after_the_good_one() {
    let verifier = verifier(&environment());
    let good = claiming(json!({}));
    verifier.verify(&good).await.unwrap();
    let parts: Vec<&str> = good.split('.').collect();
    // A replayed token id with more scopes, and the signature of the token that was found valid.
    let claims = with(claims(), json!({"scope": "catalog:write"})).to_string();
    let forged = format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(claims), parts[2]);
    assert_eq!(refused(&verifier, &forged).await, Invalid::Signature);
    let padded = [
        format!("{good}="),
        format!("{good}A"),
        format!(" {good}"),
        format!("{good}.x"),
        format!("{}.{}", parts[0], parts[1]),
    ];
    for token in padded {
        verifier.verify(&token).await.unwrap_err();
    }
    let attacker = Ed25519KeyPair::from_seed_unchecked(&[66; 32]).unwrap();
    let token = signed_by(
        &header().to_string(),
        &super::forging::claims().to_string(),
        |message| attacker.sign(message).as_ref().to_vec(),
    );
    assert_eq!(refused(&verifier, &token).await, Invalid::Signature);
}

#[tokio::test(start_paused = true)]
async fn a_token_of_a_megabyte_is_refused_unread() {
    let verifier = verifier(&environment());
    let token = claiming(json!({"padding": "x".repeat(1024 * 1024)}));
    assert_eq!(refused(&verifier, &token).await, Invalid::Malformed);
    for token in ["", ".", "..", "...", "a.b.c", "ock_", "\u{0}", "a.é.c"] {
        assert_eq!(refused(&verifier, token).await, Invalid::Malformed, "{token}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_is_written_twice_is_refused() {
    let verifier = verifier(&environment());
    let good = claims().to_string();
    let twice = [
        "\"sub\":\"admin\"",
        "\"exp\":9999999999",
        "\"scope\":\"a\"",
        "\"aud\":\"catalog\"",
        "\"iss\":\"x\"",
        "\"jti\":\"1\"",
    ];
    for member in twice {
        let claims = good.replacen('{', &format!("{{{member},"), 1);
        let reason = refused(&verifier, &signed(&header().to_string(), &claims)).await;
        assert!(
            matches!(reason, Invalid::Claims | Invalid::Malformed),
            "{member}: {reason:?}"
        );
    }
    for member in ["\"alg\":\"none\"", "\"kid\":\"other\"", "\"typ\":\"JWT\""] {
        let header = header().to_string().replacen('{', &format!("{{{member},"), 1);
        let reason = refused(&verifier, &signed(&header, &good)).await;
        assert_eq!(reason, Invalid::Malformed, "{member}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_time_is_a_whole_number_of_seconds() {
    let verifier = verifier(&environment());
    let times = [
        json!("1795071900"),
        json!(1_795_071_900.5),
        json!(9_223_372_036_854_775_808_u64),
        json!(u64::MAX),
        json!(1e300),
        json!(-1),
        json!(null),
        json!([NOW + 300]),
        json!({}),
        json!(true),
    ];
    for time in times {
        for claim in ["exp", "nbf", "iat"] {
            // `null` would take the claim away.
            let claims = claims().to_string();
            let written = super::forging::claims()[claim].to_string();
            let claims = claims.replace(&format!("\"{claim}\":{written}"), &format!("\"{claim}\":{time}"));
            let token = signed(&header().to_string(), &claims);
            if (claim, &time) == ("nbf", &Value::Null) {
                assert!(verifier.verify(&token).await.is_ok(), "a token needs no nbf");
                continue;
            }
            let reason = refused(&verifier, &token).await;
            assert!(
                matches!(reason, Invalid::Claims | Invalid::Malformed),
                "{claim} {time}: {reason:?}"
            );
        }
    }
    let forever = claiming(json!({"exp": 253_402_300_799_i64}));
    assert_eq!(refused(&verifier, &forever).await, Invalid::Lifetime);
}

#[tokio::test(start_paused = true)]
async fn an_audience_may_be_a_list_with_this_service_in_it() {
    let verifier = verifier(&environment());
    assert!(
        verifier
            .verify(&claiming(json!({"aud": ["users", AUDIENCE]})))
            .await
            .is_ok()
    );
    for audience in [
        json!(["users"]),
        json!([]),
        json!("users"),
        json!("catalog "),
        json!("CATALOG"),
        json!(null),
    ] {
        let token = claiming(json!({"aud": audience}));
        assert_eq!(refused(&verifier, &token).await, Invalid::Audience, "{audience}");
    }
    for audience in [
        json!([1]),
        json!({"catalog": 1}),
        json!([["catalog"]]),
        json!(7),
        json!(vec!["catalog"; 51]),
    ] {
        let token = claiming(json!({"aud": audience}));
        assert_eq!(refused(&verifier, &token).await, Invalid::Claims, "{audience}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_users_session_is_not_a_service_token() {
    let environment = environment();
    let services = verifier(&environment);
    // Of the same key, issuer and audience, even: the type tells them apart.
    for typ in [json!("JWT"), json!(null), json!("id+jwt"), json!("logout+jwt")] {
        let session = headed(json!({"typ": typ}));
        assert_eq!(refused(&services, &session).await, Invalid::TokenType, "{typ}");
    }
    // And the other way: an identity provider has other keys and another issuer.
    let sessions = Expected::user_session("https://id.example", AUDIENCE, Scopes::none());
    let keys = Jwks::fixed(KeySet::from_json(&jwks(KID)).unwrap(), environment.clone());
    let sessions = TokenVerifier::new(keys, sessions, environment);
    assert_eq!(refused(&sessions, &claiming(json!({}))).await, Invalid::Issuer);
}

#[tokio::test(start_paused = true)]
async fn no_refusal_and_no_debug_text_quotes_the_token() {
    let environment = environment();
    let verifier = verifier(&environment);
    let token = claiming(json!({"sub": "CANARY", "scope": "CANARY", "iss": "CANARY"}));
    let refusal = verifier.verify(&token).await.unwrap_err();
    let shown = format!(
        "{refusal} {refusal:?} {verifier:?} {:?}",
        refusal.www_authenticate("catalog")
    );
    assert!(!shown.contains("CANARY") && !shown.contains(&token[..20]), "{shown}");
}
