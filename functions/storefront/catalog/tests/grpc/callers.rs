use std::sync::Arc;

use onecommit_callers::{Guard, ServiceTokens};
use onecommit_environment::Environment;
use onecommit_grpc::GrpcTrouble;
use onecommit_tokens::{
    Algorithm, Authenticator, Expected, Jwks, KeySet, Routes, Scopes, SigningKey, TokenSigner, TokenVerifier,
};
use storefront_catalog::CATALOG_SCOPES;
use tonic::Code;

use crate::kit::{How, Served};

const ISSUER: &str = "https://services.internal";

fn generated(id: &str) -> SigningKey {
    SigningKey::generate(Algorithm::EdDsa, id).unwrap()
}

fn guard_with(key: &SigningKey) -> Guard {
    let environment = Environment::system();
    let keys = Jwks::fixed(
        KeySet::from_json(&key.public_jwks().unwrap()).unwrap(),
        environment.clone(),
    );
    let verifier = TokenVerifier::new(keys, Expected::service_token(ISSUER, "catalog"), environment);
    let callers = Authenticator::default().with_tokens(verifier);
    Guard::new(callers, Routes::parse(CATALOG_SCOPES).unwrap(), "catalog-grpc")
}

fn tokens(key: SigningKey, audience: &str, scopes: &str) -> Arc<ServiceTokens> {
    let signer = TokenSigner::new(key, ISSUER, "bff", Environment::system());
    Arc::new(ServiceTokens::new(signer, audience, Scopes::parse(scopes).unwrap()))
}

#[tokio::test]
async fn a_call_needs_a_token_of_its_service_and_scope() {
    let key = generated("bff-1");
    let how = How {
        guard: Some(guard_with(&key)),
        ..How::default()
    };
    let served = Served::with(how).await;
    served.stock(&[("TEAPOT", 3)]).await;

    let error = served.client().product("TEAPOT").await.unwrap_err();
    assert_eq!(
        (error.code(), error.attempts()),
        (Some(Code::Unauthenticated), 1),
        "{error}"
    );
    let reason = |error: &onecommit_grpc::GrpcError| match error.trouble() {
        GrpcTrouble::Refused(refusal) => refusal.reason().map(str::to_owned),
        _ => None,
    };
    assert_eq!(reason(&error).as_deref(), Some("unauthorized"));

    let foreign = tokens(generated("bff-1"), "catalog", "catalog:read");
    let error = served.client_of(foreign).product("TEAPOT").await.unwrap_err();
    assert_eq!(
        (error.code(), reason(&error).as_deref()),
        (Some(Code::Unauthenticated), Some("invalidToken"))
    );

    let may = served.client_of(tokens(key, "catalog", "catalog:read"));
    assert_eq!(may.product("TEAPOT").await.unwrap().stock, 3);
}

#[tokio::test]
async fn a_token_for_something_else_is_refused() {
    for (audience, scopes, code) in [
        ("orders", "catalog:read", Code::Unauthenticated),
        ("catalog", "orders:read", Code::PermissionDenied),
        ("catalog", "catalog:write", Code::PermissionDenied),
    ] {
        let key = generated("bff-1");
        let how = How {
            guard: Some(guard_with(&key)),
            ..How::default()
        };
        let served = Served::with(how).await;
        let client = served.client_of(tokens(key, audience, scopes));
        let error = client.product("TEAPOT").await.unwrap_err();
        assert_eq!(
            (error.code(), error.attempts()),
            (Some(code), 1),
            "{audience} {scopes}: {error}"
        );
        assert_eq!(client.list("tea").await.unwrap_err().code(), Some(code));
        assert_eq!(client.products(&["TEAPOT"]).await.unwrap_err().code(), Some(code));
    }
}
