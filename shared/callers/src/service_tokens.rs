use async_trait::async_trait;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use onecommit_client::{Identity, IdentityError};
use onecommit_tokens::{Scopes, TokenSigner};

/// Who a service is to others: a token of its own in `Authorization`, for one service and what is done there.
#[derive(Debug)]
pub struct ServiceTokens {
    signer: TokenSigner,
    audience: String,
    scopes: Scopes,
    principal: String,
}

impl ServiceTokens {
    /// Tokens of this signer for the service that knows itself by `audience`, with these scopes.
    #[must_use]
    pub fn new(signer: TokenSigner, audience: impl Into<String>, scopes: Scopes) -> Self {
        let audience = audience.into();
        Self {
            principal: format!("service-token for {audience}"),
            signer,
            audience,
            scopes,
        }
    }
}

#[async_trait]
impl Identity for ServiceTokens {
    fn principal(&self) -> &str {
        &self.principal
    }

    async fn headers(&self, _request: &Parts, _body: &[u8]) -> Result<Vec<(HeaderName, HeaderValue)>, IdentityError> {
        let token = self.signer.token(&self.audience, &self.scopes)?;
        let value = HeaderValue::try_from(format!("Bearer {}", token.expose()))?;
        Ok(vec![(AUTHORIZATION, value)])
    }
}
