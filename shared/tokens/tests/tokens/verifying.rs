use onecommit_tokens::{
    Authenticator, Credentials, Expected, InvalidCredential as Invalid, Jwks, KeySet, PrincipalKind, Refusal, Scopes,
    TokenVerifier,
};
use serde_json::json;

use super::forging::*;

#[tokio::test(start_paused = true)]
async fn a_token_is_valid_from_its_beginning_to_its_end_by_our_clock() {
    let environment = environment();
    let verifier = verifier(&environment);
    let token = claiming(json!({"nbf": NOW + 60}));
    assert_eq!(refused(&verifier, &token).await, Invalid::NotYet);
    pass(&environment, 55).await;
    verifier.verify(&token).await.unwrap();
    pass(&environment, 244).await;
    verifier.verify(&token).await.unwrap();
    pass(&environment, 1).await;
    assert_eq!(
        refused(&verifier, &token).await,
        Invalid::Expired,
        "also where it was kept"
    );
    assert_eq!(
        refused(&verifier, &token).await,
        Invalid::Expired,
        "also where it is checked anew"
    );
    let late = claiming(json!({"iat": NOW + 400, "nbf": NOW + 300, "exp": NOW + 600}));
    assert_eq!(refused(&verifier, &late).await, Invalid::NotYet, "issued in the future");
}

#[tokio::test(start_paused = true)]
async fn a_token_is_accepted_as_often_as_it_is_sent_until_it_ends() {
    let verifier = verifier(&environment());
    let token = claiming(json!({}));
    for _ in 0..3 {
        assert_eq!(verifier.verify(&token).await.unwrap().subject(), "orders");
    }
}

#[tokio::test(start_paused = true)]
async fn claims_that_a_service_token_needs_are_demanded() {
    let verifier = verifier(&environment());
    for claim in ["iss", "sub", "iat", "exp", "jti"] {
        let token = claiming(json!({claim: null}));
        assert_eq!(refused(&verifier, &token).await, Invalid::Claims, "{claim}");
    }
    for claim in ["iss", "sub", "jti"] {
        for text in ["", "a\nb", &"x".repeat(513)] {
            let token = claiming(json!({claim: text}));
            assert_eq!(refused(&verifier, &token).await, Invalid::Claims, "{claim}");
        }
    }
    let long = claiming(json!({"exp": NOW + 3601}));
    assert_eq!(refused(&verifier, &long).await, Invalid::Lifetime);
    assert_eq!(
        refused(&verifier, &claiming(json!({"iss": "https://orders.internal/"}))).await,
        Invalid::Issuer
    );
}

#[tokio::test(start_paused = true)]
async fn scopes_are_a_text_or_a_list() {
    let verifier = verifier(&environment());
    let both = Scopes::parse("a b").unwrap();
    for claims in [
        json!({"scope": "b a"}),
        json!({"scope": null, "scopes": ["a", "b"]}),
        json!({"scope": "a", "scopes": ["b"]}),
    ] {
        let principal = verifier.verify(&claiming(claims.clone())).await.unwrap();
        assert_eq!(principal.scopes(), &both, "{claims}");
    }
    let none = verifier.verify(&claiming(json!({"scope": null}))).await.unwrap();
    assert!(none.scopes().is_empty());
    for claims in [
        json!({"scope": ["a"]}),
        json!({"scopes": "a"}),
        json!({"scopes": ["a b"]}),
        json!({"scope": "a\"b"}),
    ] {
        assert_eq!(
            refused(&verifier, &claiming(claims.clone())).await,
            Invalid::Claims,
            "{claims}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_grants_only_what_sessions_may() {
    let environment = environment();
    let grantable = Scopes::parse("orders:read").unwrap();
    let expected = Expected::user_session("https://id.example", "shop-client", grantable.clone());
    let keys = Jwks::fixed(KeySet::from_json(&jwks(KID)).unwrap(), environment.clone());
    let sessions = TokenVerifier::new(keys, expected, environment);
    // As Amazon Cognito writes them: no audience but a client, no type.
    let claims = json!({
        "iss": "https://id.example", "aud": null, "client_id": "shop-client", "token_use": "access", "sub": "user-7",
        "scope": "orders:read catalog:write", "jti": null, "nbf": null,
    });
    let session = |changes| {
        let header = with(header(), json!({"typ": null})).to_string();
        signed(
            &header,
            &with(with(super::forging::claims(), claims.clone()), changes).to_string(),
        )
    };
    let principal = sessions.verify(&session(json!({}))).await.unwrap();
    assert_eq!((principal.kind(), principal.subject()), (PrincipalKind::User, "user-7"));
    assert_eq!(principal.scopes(), &grantable);
    assert_eq!(
        refused(&sessions, &session(json!({"token_use": "id"}))).await,
        Invalid::TokenType
    );
    assert_eq!(
        refused(&sessions, &session(json!({"client_id": "other"}))).await,
        Invalid::Audience
    );
    assert_eq!(
        refused(&sessions, &session(json!({"exp": NOW + 25 * 3600}))).await,
        Invalid::Lifetime
    );
}

#[tokio::test(start_paused = true)]
async fn one_credential_in_its_header_is_asked_for() {
    let callers = Authenticator::default().with_tokens(verifier(&environment()));
    let token = claiming(json!({}));
    let bearer = format!("Bearer {token}");
    let missing = callers.authenticate(Credentials::default()).await.unwrap_err();
    assert!(matches!(missing, Refusal::Missing));
    for header in [&bearer, &format!("bearer  {token}")] {
        callers
            .authenticate(Credentials::of_authorization(header))
            .await
            .unwrap();
    }
    for header in [
        token.as_str(),
        "Bearer ",
        "Bearer",
        "Basic dTpw",
        "",
        &format!("Bearer {token} x"),
    ] {
        let refusal = callers
            .authenticate(Credentials::of_authorization(header))
            .await
            .unwrap_err();
        assert_eq!(refusal.status(), 401, "{header}");
    }
    let both = Credentials {
        authorization: Some(&bearer),
        api_key: Some("ock_"),
    };
    let refusal = callers.authenticate(both).await.unwrap_err();
    assert!(matches!(refusal, Refusal::Invalid(Invalid::Several)));
    // A token is no API key, and no API keys are accepted here.
    for key in [&token, "ock_0"] {
        let credentials = Credentials {
            authorization: None,
            api_key: Some(key),
        };
        assert_eq!(callers.authenticate(credentials).await.unwrap_err().status(), 401);
    }
}
