use onecommit_tokens::{Authenticator, InvalidCredential, Principal, Refusal, Routes};
use tracing::{error, info};

use crate::policy::Answer;
use crate::request::Request;

/// Decides who calls, and which routes they may use.
pub(crate) struct Authorizer {
    callers: Authenticator,
    routes: Routes,
}

/// How an authorizer fails. API Gateway answers 401 to the word `Unauthorized`, and 500 to any other.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Failed {
    #[error("Unauthorized")]
    Unauthorized,
    #[error("the caller cannot be identified now")]
    Unavailable,
    #[error("the request is not one to a REQUEST authorizer of a REST API")]
    Request,
}

impl Authorizer {
    pub(crate) fn new(callers: Authenticator, routes: Routes) -> Self {
        Self { callers, routes }
    }

    /// Answers API Gateway's request, given as JSON.
    pub(crate) async fn answer(&self, request: &str) -> Result<Answer, Failed> {
        let request = Request::read(request).map_err(|error| {
            error!(error = %error, "request to the authorizer is malformed");
            Failed::Request
        })?;
        let stage_arn = request.stage_arn().ok_or(Failed::Request)?;
        match self.principal(&request).await {
            Ok(principal) => Ok(Answer::of(&principal, &self.routes, &stage_arn)),
            Err(Refusal::Unavailable(source)) => {
                error!(error = %source, cause = source.source().map(tracing::field::display), "caller cannot be identified");
                Err(Failed::Unavailable)
            }
            Err(refusal) => {
                info!(refusal.code = refusal.code(), reason = %refusal, "caller was refused");
                Err(Failed::Unauthorized)
            }
        }
    }

    async fn principal(&self, request: &Request) -> Result<Principal, Refusal> {
        let credentials = request.credentials().map_err(|_| InvalidCredential::Several)?;
        self.callers.authenticate(credentials).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use onecommit_engine::{DatabaseError, EventLog, Table, TransientKind};
    use onecommit_environment::Environment;
    use onecommit_testing::MemoryDatabase;
    use onecommit_tokens::{
        ApiKeyVerifier, ApiKeys, Expected, Jwks, KeySet, NewApiKey, Scopes, SigningKey, TokenSigner, TokenVerifier,
    };
    use serde_json::{Value, json};

    use super::*;

    const METHOD: &str = "arn:aws:execute-api:eu-central-1:000000000000:api1/local/GET/catalog/products/tea-1";
    const SECRET: [u8; 32] = [4; 32];

    struct Fixture {
        tables: Arc<MemoryDatabase>,
        environment: Environment,
        authorizer: Authorizer,
    }

    impl Fixture {
        fn new() -> Self {
            let (tables, environment) = (Arc::new(MemoryDatabase::default()), Environment::system());
            let keys = KeySet::default().with_secret("k", &SECRET).unwrap();
            let expected = Expected::service_token("issuer", "shop");
            let tokens = TokenVerifier::new(Jwks::fixed(keys, environment.clone()), expected, environment.clone());
            let api_keys = ApiKeyVerifier::new(tables.clone(), Table::new("keys"), environment.clone())
                .keeping_for(Duration::ZERO);
            let routes = "GET /catalog/products/{sku} catalog:read; GET /catalog/categories/{name} catalog:read;
                PUT /catalog/products/{sku} catalog:write";
            Self {
                authorizer: Authorizer::new(
                    Authenticator::default().with_tokens(tokens).with_api_keys(api_keys),
                    Routes::parse(routes).unwrap(),
                ),
                tables,
                environment,
            }
        }

        fn token(&self, scopes: &str) -> String {
            let key = SigningKey::from_secret("k", &SECRET).unwrap();
            let signer = TokenSigner::new(key, "issuer", "orders", self.environment.clone());
            let token = signer.token("shop", &Scopes::parse(scopes).unwrap()).unwrap();
            format!("Bearer {}", token.expose())
        }

        fn keys(&self) -> ApiKeys {
            let log = EventLog::new(Table::new("events"));
            let table = Table::new("keys");
            ApiKeys::new(self.tables.clone(), table, log, self.environment.clone())
        }

        async fn answer(&self, headers: Value) -> Result<Value, Failed> {
            let request = json!({"type": "REQUEST", "methodArn": METHOD, "headers": headers});
            let answer = self.authorizer.answer(&request.to_string()).await?;
            Ok(serde_json::to_value(answer).unwrap())
        }
    }

    #[tokio::test]
    async fn a_policy_lists_every_route_of_the_caller_and_denies_none() {
        let fixture = Fixture::new();
        let answer = fixture
            .answer(json!({"Authorization": fixture.token("catalog:read")}))
            .await
            .unwrap();
        assert_eq!(answer["principalId"], "orders");
        let stage = "arn:aws:execute-api:eu-central-1:000000000000:api1/local";
        let expected = json!([{
            "Action": "execute-api:Invoke", "Effect": "Allow",
            "Resource": [format!("{stage}/GET/catalog/products/*"), format!("{stage}/GET/catalog/categories/*")],
        }]);
        assert_eq!(answer["policyDocument"]["Statement"], expected);
        let context = json!({"kind": "service", "subject": "orders", "scopes": "catalog:read", "keyId": "k"});
        assert_eq!(answer["context"], context);
    }

    #[tokio::test]
    async fn a_caller_without_any_route_is_denied_all() {
        let fixture = Fixture::new();
        let answer = fixture
            .answer(json!({"authorization": fixture.token("users:read")}))
            .await
            .unwrap();
        assert_eq!(answer["policyDocument"]["Statement"][0]["Effect"], "Deny");
    }

    #[tokio::test]
    async fn an_api_key_is_accepted_until_it_is_revoked() {
        let fixture = Fixture::new();
        let new = NewApiKey::new("partner", Scopes::parse("catalog:write").unwrap(), "ada");
        let (key, state) = fixture.keys().create(new).await.unwrap();
        let bearer = json!({"AUTHORIZATION": format!("Bearer {}", key.expose())});
        for headers in [bearer.clone(), json!({"x-api-key": key.expose()})] {
            let answer = fixture.answer(headers).await.unwrap();
            assert_eq!(answer["context"]["keyId"], state.id.as_str());
            assert_eq!(answer["context"]["requestsPerMinute"], "1000");
        }
        fixture.keys().revoke(&state.id, "ada").await.unwrap();
        assert_eq!(fixture.answer(bearer).await.unwrap_err(), Failed::Unauthorized);
    }

    #[tokio::test]
    async fn an_unknown_caller_gets_the_error_unauthorized() {
        let fixture = Fixture::new();
        let token = fixture.token("catalog:read");
        let changed = format!("{}A", token);
        let headers = [
            json!({}),
            json!(null),
            json!({"Authorization": ""}),
            json!({"Authorization": "Bearer x.y.z"}),
            json!({"Authorization": changed}),
            json!({"Authorization": "Basic dTpw"}),
            json!({"Authorization": token, "X-Api-Key": "ock_"}),
            json!({"Authorization": token, "authorization": token}),
            json!({"x-api-key": format!("ock_{}.{}", "0".repeat(32), "A".repeat(43))}),
        ];
        for headers in headers {
            let failed = fixture.answer(headers.clone()).await.unwrap_err();
            assert_eq!(failed.to_string(), "Unauthorized", "{headers}");
        }
        let twice = json!({
            "methodArn": METHOD, "headers": {"Authorization": token},
            "multiValueHeaders": {"Authorization": [token, token]},
        });
        assert_eq!(
            fixture.authorizer.answer(&twice.to_string()).await.unwrap_err(),
            Failed::Unauthorized
        );
    }

    #[tokio::test]
    async fn an_unavailable_table_is_not_unauthorized() {
        let fixture = Fixture::new();
        let new = NewApiKey::new("partner", Scopes::parse("catalog:write").unwrap(), "ada");
        let (key, _) = fixture.keys().create(new).await.unwrap();
        fixture
            .tables
            .fail_next(DatabaseError::Transient(TransientKind::Unavailable, "no answer".into()));
        let failed = fixture.answer(json!({"x-api-key": key.expose()})).await.unwrap_err();
        assert_eq!(failed, Failed::Unavailable);
    }

    #[tokio::test]
    async fn an_unknown_kind_of_request_is_an_error() {
        let fixture = Fixture::new();
        for request in [
            "",
            "{}",
            "[]",
            r#"{"methodArn": 7}"#,
            r#"{"methodArn": "arn:aws:execute-api:x"}"#,
            r#"{"methodArn": "*/*/GET/"}"#,
        ] {
            assert_eq!(
                fixture.authorizer.answer(request).await.unwrap_err(),
                Failed::Request,
                "{request}"
            );
        }
    }
}
