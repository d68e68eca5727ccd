//! Who calls, and what they may do: service tokens, user sessions and API keys.
//!
//! A caller presents a bearer credential; an [`Authenticator`] makes a [`Principal`] of it or a [`Refusal`], which knows
//! its HTTP status and its `WWW-Authenticate` header (RFC 6750). Nothing here speaks HTTP or AWS: keys of other issuers
//! come through [`KeySource`], rows through the engine's ports.
//!
//! ```
//! use std::sync::Arc;
//! use onecommit_environment::Environment;
//! use onecommit_tokens::{
//!     Algorithm, Authenticator, Credentials, Expected, Jwks, KeySet, Scopes, SigningKey, TokenSigner, TokenVerifier,
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let environment = Environment::system();
//! // The calling service signs; it keeps a token until 30 s before its end.
//! let key = SigningKey::generate(Algorithm::EdDsa, "orders-2026-11")?;
//! let published = key.public_jwks()?;
//! let signer = TokenSigner::new(key, "https://orders.internal", "orders", environment.clone());
//! let token = signer.token("catalog", &Scopes::parse("catalog:read")?)?;
//!
//! // The called service knows the public keys of its callers, and its own name.
//! let keys = Jwks::fixed(KeySet::from_json(&published)?, environment.clone());
//! let expected = Expected::service_token("https://orders.internal", "catalog");
//! let callers = Authenticator::default().with_tokens(TokenVerifier::new(keys, expected, environment));
//! let header = format!("Bearer {}", token.expose());
//! let principal = callers.authenticate(Credentials::of_authorization(&header)).await?;
//! assert_eq!(principal.subject(), "orders");
//! assert!(principal.demand(&Scopes::parse("catalog:read")?).is_ok());
//!
//! let refusal = principal.demand(&Scopes::parse("catalog:write")?).unwrap_err();
//! assert_eq!(refusal.status(), 403);
//! assert!(refusal.www_authenticate("catalog").unwrap().contains(r#"error="insufficient_scope""#));
//! # Ok(())
//! # }
//! ```

mod api_key;
mod authenticator;
mod principal;
mod refusal;
mod routes;
mod scope;
mod token;

pub use api_key::{
    API_KEY, ApiKey, ApiKeyCreated, ApiKeyError, ApiKeyId, ApiKeyRevoked, ApiKeyRotated, ApiKeyState, ApiKeyVerifier,
    ApiKeys, NewApiKey, RATE_PER_MINUTE_DEFAULT, Rotation, looks_like_api_key,
};
pub use authenticator::{Authenticator, Credentials};
pub use principal::{Principal, PrincipalKind};
pub use refusal::{InvalidCredential, Refusal};
pub use routes::{InvalidRoutes, Route, Routes};
pub use scope::{InvalidScope, Scopes};
pub use token::{
    Algorithm, Expected, InvalidKey, Jwks, KeySet, KeySource, KeySourceError, LIFETIME, ServiceToken, SignError,
    SigningKey, TokenSigner, TokenVerifier,
};
