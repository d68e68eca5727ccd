use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jsonwebtoken::Header;
use lru::LruCache;
use onecommit_environment::{Environment, Timestamp};
use zeroize::Zeroizing;

use crate::scope::Scopes;
use crate::token::claims::NewClaims;
use crate::token::key::SigningKey;

/// How long a service token is valid.
pub const LIFETIME: Duration = Duration::from_secs(300);
/// A token is replaced so long before its end: a request that carries it still arrives, and clocks may differ.
const REPLACED_BEFORE: Duration = Duration::from_secs(30);
/// How many tokens are kept, one for each audience and scopes.
const KEPT_MAX: NonZeroUsize = NonZeroUsize::new(256).unwrap();

/// The type of a service token (RFC 9068): no other token of the same issuer can stand in for it.
pub(crate) const TYPE: &str = "at+jwt";

/// Signs the tokens with which this service calls others.
pub struct TokenSigner {
    key: SigningKey,
    issuer: String,
    subject: String,
    lifetime: Duration,
    environment: Environment,
    kept: Mutex<LruCache<(String, Scopes), Kept>>,
}

struct Kept {
    token: ServiceToken,
    signed_at: Timestamp,
    until: Timestamp,
}

/// A signed token: whoever has it, can call. It is shown nowhere, and wiped when the last copy is dropped.
#[derive(Clone)]
pub struct ServiceToken(Arc<Zeroizing<String>>);

/// A token could not be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token could not be signed with its key; check that the key is whole")]
pub struct SignError;

impl ServiceToken {
    /// The token, for the header `Authorization: Bearer`.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ServiceToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ServiceToken(..)")
    }
}

impl TokenSigner {
    /// Signs as the service `subject` of `issuer`.
    #[must_use]
    pub fn new(
        key: SigningKey,
        issuer: impl Into<String>,
        subject: impl Into<String>,
        environment: Environment,
    ) -> Self {
        Self {
            key,
            issuer: issuer.into(),
            subject: subject.into(),
            lifetime: LIFETIME,
            environment,
            kept: Mutex::new(LruCache::new(KEPT_MAX)),
        }
    }

    /// With tokens that are valid for this long instead of [`LIFETIME`]; at least a minute, so that one can be used at all.
    #[must_use]
    pub fn valid_for(self, lifetime: Duration) -> Self {
        Self {
            lifetime: lifetime.max(2 * REPLACED_BEFORE),
            ..self
        }
    }

    /// A token for the service `audience`, valid for 30 s at least. One is signed for all who ask at the same time, and
    /// used until 30 s before its end.
    ///
    /// # Errors
    /// When the key does not sign.
    pub fn token(&self, audience: &str, scopes: &Scopes) -> Result<ServiceToken, SignError> {
        // Signing takes some 50 us: whoever waits here waits less than for a signature of their own.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.environment.clock().now();
        let wanted = (audience.to_owned(), scopes.clone());
        // A clock that was put back would make the token one of the future.
        let usable = |kept: &&Kept| kept.signed_at <= now && now.plus(REPLACED_BEFORE) < kept.until;
        if let Some(kept) = kept.get(&wanted).filter(usable) {
            return Ok(kept.token.clone());
        }
        let (token, until) = self.sign(audience, scopes, now)?;
        let fresh = Kept {
            token: token.clone(),
            signed_at: now,
            until,
        };
        kept.put(wanted, fresh);
        Ok(token)
    }

    fn sign(&self, audience: &str, scopes: &Scopes, now: Timestamp) -> Result<(ServiceToken, Timestamp), SignError> {
        let until = now.plus(self.lifetime);
        let claims = NewClaims {
            iss: &self.issuer,
            aud: audience,
            sub: &self.subject,
            iat: now.unix_seconds(),
            nbf: now.unix_seconds(),
            exp: until.unix_seconds(),
            jti: self.environment.ids().next().to_string(),
            scope: scopes.to_string(),
        };
        let header = Header {
            typ: Some(TYPE.to_owned()),
            kid: Some(self.key.id().to_owned()),
            ..Header::new(self.key.algorithm().of_jwt())
        };
        let token = jsonwebtoken::encode(&header, &claims, self.key.encoding()).map_err(|_| SignError)?;
        Ok((ServiceToken(Arc::new(Zeroizing::new(token))), until))
    }
}

impl fmt::Debug for TokenSigner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TokenSigner")
            .field("key", &self.key)
            .field("issuer", &self.issuer)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}
