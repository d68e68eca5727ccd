use std::fmt;
use std::time::Duration;

use onecommit_environment::Environment;
use onecommit_tokens::{
    Expected, InvalidKey, Jwks, KeySet, Scopes, ServiceToken, SignError, SigningKey, TokenSigner, TokenVerifier,
};

/// The issuer of sessions on the stage `local`, whose secret everybody knows.
pub const LOCAL_USERS: &str = "local-users";
const KEY: &str = "local";
/// A working day: nobody wants to sign in every five minutes on a machine of their own.
const VALID_FOR: Duration = Duration::from_secs(8 * 3600);
const USER_ID_BYTES_MAX: usize = 64;

/// Signs anybody in, as whoever they say they are: for a machine of one's own, and nowhere else.
#[derive(Clone)]
pub struct LocalIssuer {
    key: SigningKey,
    audience: String,
    environment: Environment,
}

impl LocalIssuer {
    /// With this shared secret, for sessions of this audience; and what checks them.
    ///
    /// # Errors
    /// When the secret is shorter than 32 bytes.
    pub fn new(
        secret: &str,
        audience: impl Into<String>,
        environment: Environment,
    ) -> Result<(Self, TokenVerifier), InvalidKey> {
        let audience = audience.into();
        let keys = KeySet::default().with_secret(KEY, secret.as_bytes())?;
        let expected = Expected::user_session(LOCAL_USERS, &*audience, Scopes::none());
        let keys = Jwks::fixed(keys, environment.clone());
        let verifier = TokenVerifier::new(keys, expected, environment.clone());
        let key = SigningKey::from_secret(KEY, secret.as_bytes())?;
        let issuer = Self {
            key,
            audience,
            environment,
        };
        Ok((issuer, verifier))
    }

    pub(crate) fn sign_in(&self, user: &UserId) -> Result<(ServiceToken, Duration), SignError> {
        let signer = TokenSigner::new(self.key.clone(), LOCAL_USERS, &*user.0, self.environment.clone());
        let token = signer.valid_for(VALID_FOR).token(&self.audience, &Scopes::none())?;
        Ok((token, VALID_FOR))
    }
}

impl fmt::Debug for LocalIssuer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LocalIssuer")
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

/// Whose session is to be signed: an id that every context takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserId(String);

impl UserId {
    pub(crate) fn new(text: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let is_one = (1..=USER_ID_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_plain);
        is_one.then(|| Self(text.to_owned()))
    }
}
