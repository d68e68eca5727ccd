use onecommit_callers::PublishedKeys;
use onecommit_client::HttpTransport;
use onecommit_config::{Reader, Setting};
use onecommit_environment::Environment;
use onecommit_tokens::{Expected, InvalidKey, Scopes, TokenVerifier};

use crate::viewers::{Viewers, local_verifier};

const TOKEN_AUDIENCE: Setting = Setting::required("TOKEN_AUDIENCE", "Audience that sessions have to be for");
const SESSION_ISSUER: Setting = Setting::optional("SESSION_ISSUER", "", "Issuer of users' sessions (OpenID Connect)");
const SESSION_JWKS_URL: Setting = Setting::optional(
    "SESSION_JWKS_URL",
    "",
    "Address where that issuer publishes its keys, such as `https://login.example/.well-known/jwks.json`",
);
const LOCAL_ISSUER_SECRET: Setting = Setting::optional(
    "LOCAL_ISSUER_SECRET",
    "",
    "Shared secret of the issuer `local-users`; on the stage `local` only",
);

/// Whose sessions count, by the settings of a function. Without any issuer, nobody's do.
#[derive(Debug)]
pub struct SessionSettings {
    audience: String,
    issuer: String,
    published: Option<PublishedKeys>,
    local_secret: Option<String>,
}

/// Settings by which nobody could be sure whose session it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Incomplete {
    /// An issuer without keys, or keys without an issuer.
    #[error("SESSION_ISSUER and SESSION_JWKS_URL belong together; set both or none")]
    Issuer,
    /// Everybody knows the local issuer's secret.
    #[error("LOCAL_ISSUER_SECRET signs anybody in; set it on the stage `local` only, with STAGE=local")]
    NotLocal,
    /// The secret is too short.
    #[error("LOCAL_ISSUER_SECRET: {0}")]
    Secret(#[from] InvalidKey),
}

impl SessionSettings {
    /// Reads it.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            audience: reader.text(&TOKEN_AUDIENCE),
            issuer: reader.text(&SESSION_ISSUER),
            published: reader.parsed(&SESSION_JWKS_URL, PublishedKeys::at),
            local_secret: reader.text_if_set(&LOCAL_ISSUER_SECRET),
        }
    }

    /// The audience that sessions have to be for.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// The shared secret of the issuer for the stage `local`, which signs anybody in.
    #[must_use]
    pub fn local_secret(&self) -> Option<&str> {
        self.local_secret.as_deref()
    }

    /// What checks the sessions of each issuer; `is_local` is whether this is the stage `local`. Keys are fetched through
    /// `transport` when a token needs them.
    ///
    /// # Errors
    /// See [`Incomplete`].
    pub fn issuers(
        &self,
        is_local: bool,
        transport: &HttpTransport,
        environment: &Environment,
    ) -> Result<Vec<TokenVerifier>, Incomplete> {
        let mut issuers = Vec::new();
        match (self.issuer.is_empty(), &self.published) {
            (false, Some(published)) => {
                let keys = published.clone().fetched(transport.clone(), environment);
                let expected = Expected::user_session(&*self.issuer, &*self.audience, Scopes::none());
                issuers.push(TokenVerifier::new(keys, expected, environment.clone()));
            }
            (true, None) => {}
            _ => return Err(Incomplete::Issuer),
        }
        if let Some(secret) = &self.local_secret {
            if !is_local {
                return Err(Incomplete::NotLocal);
            }
            issuers.push(local_verifier(secret, &self.audience, environment)?);
        }
        Ok(issuers)
    }

    /// The people whose sessions count, by [`issuers`](Self::issuers).
    ///
    /// # Errors
    /// See [`Incomplete`].
    pub fn viewers(
        &self,
        is_local: bool,
        transport: &HttpTransport,
        environment: &Environment,
    ) -> Result<Viewers, Incomplete> {
        self.issuers(is_local, transport, environment).map(Viewers::new)
    }
}
