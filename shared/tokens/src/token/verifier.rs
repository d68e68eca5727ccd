use std::collections::HashSet;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Header, Validation};
use lru::LruCache;
use onecommit_environment::{Environment, Timestamp};
use ring::digest::{SHA256, digest};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::principal::{Principal, PrincipalKind};
use crate::refusal::{InvalidCredential, Refusal};
use crate::scope::Scopes;
use crate::token::claims::Claims;
use crate::token::jwks::Jwks;
use crate::token::key::{KEY_ID_BYTES_MAX, VerifyingKey};
use crate::token::signer::TYPE;

/// The longest token, in bytes. API Gateway takes 10 KB of headers.
const TOKEN_BYTES_MAX: usize = 8 * 1024;
/// Header parameters by which a token would choose its own key or form. Nobody here needs them.
const REFUSED_PARAMETERS: [&str; 1] = ["b64"];
/// How far the signer's clock may run ahead. None is granted at the end: a signer replaces its tokens before.
const AHEAD_MAX: i64 = 5;
/// How many verified tokens are kept.
const KEPT_MAX: NonZeroUsize = NonZeroUsize::new(10_000).unwrap();

/// What a token has to be, besides signed with a key of its issuer.
#[derive(Clone, Debug)]
pub struct Expected {
    kind: PrincipalKind,
    issuer: String,
    audience: String,
    lifetime_max: Duration,
    grantable: Option<Scopes>,
}

impl Expected {
    /// A service token (RFC 9068, `typ: at+jwt`) of `issuer` for the service `audience`, valid for an hour at most.
    pub fn service_token(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            kind: PrincipalKind::Service,
            issuer: issuer.into(),
            audience: audience.into(),
            lifetime_max: Duration::from_secs(3600),
            grantable: None,
        }
    }

    /// An access token that an OpenID Connect provider gave a person for the client or API `audience`, valid for a day at
    /// most. Of its scopes only those of `grantable` count: what a provider lets people ask for is not what services may do.
    pub fn user_session(issuer: impl Into<String>, audience: impl Into<String>, grantable: Scopes) -> Self {
        Self {
            kind: PrincipalKind::User,
            issuer: issuer.into(),
            audience: audience.into(),
            lifetime_max: Duration::from_secs(24 * 3600),
            grantable: Some(grantable),
        }
    }

    /// The issuer.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    fn accepts_type(&self, of_token: Option<&str>) -> bool {
        // RFC 9068, 4: the prefix "application/" may be left out, and letters may be of any case.
        let of_token = of_token.map(str::to_ascii_lowercase);
        let of_token = of_token
            .as_deref()
            .map(|name| name.strip_prefix("application/").unwrap_or(name));
        match self.kind {
            PrincipalKind::User => matches!(of_token, None | Some("jwt" | TYPE)),
            PrincipalKind::Service | PrincipalKind::ApiKey => of_token == Some(TYPE),
        }
    }
}

/// Checks the tokens of one issuer.
///
/// The algorithm is that of the key, whatever the token says; the key is one of the issuer's, whatever the token brings.
/// A token that was found valid is kept until its end, so that the same one is not checked twice; one whose issuer has
/// changed its keys since is checked again.
///
/// Tokens are bearer tokens, sent with many requests until they end: a copy of one works as long as it does.
pub struct TokenVerifier {
    keys: Jwks,
    expected: Expected,
    environment: Environment,
    kept: Mutex<LruCache<Fingerprint, Kept>>,
}

/// The SHA-256 of a whole token, signature included.
type Fingerprint = [u8; 32];

struct Kept {
    principal: Principal,
    not_before: i64,
    expires_at: i64,
    generation: u64,
}

impl TokenVerifier {
    /// Checks tokens with these keys.
    #[must_use]
    pub fn new(keys: Jwks, expected: Expected, environment: Environment) -> Self {
        Self {
            keys,
            expected,
            environment,
            kept: Mutex::new(LruCache::new(KEPT_MAX)),
        }
    }

    /// What tokens have to be.
    #[must_use]
    pub fn expected(&self) -> &Expected {
        &self.expected
    }

    /// Whoever the token was given to.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] when the token is not valid here and now; [`Refusal::Unavailable`] when the issuer's keys could
    /// not be fetched yet.
    pub async fn verify(&self, token: &str) -> Result<Principal, Refusal> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(InvalidCredential::Malformed.into());
        }
        let now = self.environment.clock().now();
        let fingerprint = fingerprint_of(token);
        if let Some(principal) = self.kept(&fingerprint, now)? {
            return Ok(principal);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|error| invalid(error.kind()))?;
        let id = self.key_id_of(&header)?;
        let held = self.keys.with_key(&id).await?;
        let key = held.keys.find(&id).ok_or(InvalidCredential::UnknownKey)?;
        let claims = Claims::read(signed_text(token, &header, key)?.get())?;
        self.check(&claims)?;
        let (not_before, expires_at) = (claims.not_before.unwrap_or(0), claims.expires_at);
        // The wait for keys may have taken seconds.
        check_time(not_before, expires_at, self.environment.clock().now())?;
        let kept = Kept {
            principal: self.principal(claims, id),
            not_before,
            expires_at,
            generation: held.generation,
        };
        let principal = kept.principal.clone();
        self.lock().put(fingerprint, kept);
        Ok(principal)
    }

    /// Who a token was given to that was found valid before, if it still is.
    fn kept(&self, fingerprint: &Fingerprint, now: Timestamp) -> Result<Option<Principal>, Refusal> {
        let mut all = self.lock();
        let Some(kept) = all.get(fingerprint) else {
            return Ok(None);
        };
        if kept.generation != self.keys.held().generation {
            all.pop(fingerprint);
            return Ok(None);
        }
        match check_time(kept.not_before, kept.expires_at, now) {
            Ok(()) => Ok(Some(kept.principal.clone())),
            Err(refusal) => {
                all.pop(fingerprint);
                Err(refusal.into())
            }
        }
    }

    fn key_id_of(&self, header: &Header) -> Result<String, InvalidCredential> {
        let chooses_its_key =
            header.jku.is_some() || header.jwk.is_some() || header.x5u.is_some() || header.x5c.is_some();
        let changes_its_form = header.crit.is_some() || header.enc.is_some() || header.zip.is_some();
        let extras = header.extras.inner();
        let is_refused = REFUSED_PARAMETERS.iter().any(|name| extras.contains_key(*name));
        if chooses_its_key || changes_its_form || is_refused {
            return Err(InvalidCredential::TokenHeader);
        }
        if !self.expected.accepts_type(header.typ.as_deref()) {
            return Err(InvalidCredential::TokenType);
        }
        match &header.kid {
            Some(id) if id.len() <= KEY_ID_BYTES_MAX => Ok(id.clone()),
            _ => Err(InvalidCredential::UnknownKey),
        }
    }

    /// Everything but the time, which passes.
    fn check(&self, claims: &Claims) -> Result<(), InvalidCredential> {
        let expected = &self.expected;
        let is_service = expected.kind == PrincipalKind::Service;
        if claims.issuer != expected.issuer {
            return Err(InvalidCredential::Issuer);
        }
        if !claims.audiences.contains(&expected.audience) {
            return Err(InvalidCredential::Audience);
        }
        if claims
            .token_use
            .as_deref()
            .is_some_and(|token_use| token_use != "access")
        {
            return Err(InvalidCredential::TokenType);
        }
        if is_service && (claims.id.is_none() || claims.issued_at.is_none()) {
            return Err(InvalidCredential::Claims);
        }
        let now = self.environment.clock().now().unix_seconds();
        let issued_at = claims.issued_at.unwrap_or(now);
        if issued_at > now + AHEAD_MAX {
            return Err(InvalidCredential::NotYet);
        }
        let lifetime_max = i64::try_from(expected.lifetime_max.as_secs()).unwrap_or(i64::MAX);
        match claims.expires_at.saturating_sub(issued_at) <= lifetime_max {
            true => Ok(()),
            false => Err(InvalidCredential::Lifetime),
        }
    }

    fn principal(&self, claims: Claims, key_id: String) -> Principal {
        let scopes = match &self.expected.grantable {
            None => claims.scopes,
            Some(grantable) => claims.scopes.common_with(grantable),
        };
        Principal {
            kind: self.expected.kind,
            subject: claims.subject,
            scopes,
            key_id: Some(key_id),
            requests_per_minute: None,
            until: Some(Timestamp::from_unix_ms(claims.expires_at.saturating_mul(1000))),
        }
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<Fingerprint, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for TokenVerifier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TokenVerifier")
            .field("keys", &self.keys)
            .field("expected", &self.expected)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct OfIssuer {
    iss: String,
}

/// Whose token it says it is. That decides who checks it, and nothing else.
pub(crate) fn claimed_issuer(token: &str) -> Option<String> {
    let claims = token.split('.').nth(1).filter(|_| token.len() <= TOKEN_BYTES_MAX)?;
    let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    let claims: OfIssuer = onecommit_json::from_str(&claims).ok()?;
    Some(claims.iss)
}

/// The claims, if the token is signed with the key, by the key's algorithm.
fn signed_text(token: &str, header: &Header, key: &VerifyingKey) -> Result<Box<RawValue>, InvalidCredential> {
    let algorithm = key.algorithm.of_jwt();
    if header.alg != algorithm {
        return Err(InvalidCredential::Algorithm);
    }
    // Of the claims, it only finds that they are JSON. Its checks of times ask the operating system's clock, and take a
    // claim that is missing for one that is right: all claims are checked here.
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims = HashSet::new();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let signed = jsonwebtoken::decode::<Box<RawValue>>(token, &key.decoding, &validation);
    signed.map(|token| token.claims).map_err(|error| invalid(error.kind()))
}

fn check_time(not_before: i64, expires_at: i64, now: Timestamp) -> Result<(), InvalidCredential> {
    let now = now.unix_seconds();
    if now >= expires_at {
        return Err(InvalidCredential::Expired);
    }
    if not_before > now + AHEAD_MAX {
        return Err(InvalidCredential::NotYet);
    }
    Ok(())
}

fn invalid(kind: &ErrorKind) -> InvalidCredential {
    match kind {
        ErrorKind::InvalidSignature => InvalidCredential::Signature,
        ErrorKind::InvalidAlgorithm | ErrorKind::UnsupportedAlgorithm => InvalidCredential::Algorithm,
        _ => InvalidCredential::Malformed,
    }
}

fn fingerprint_of(token: &str) -> Fingerprint {
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    fingerprint
}
