use onecommit_environment::Timestamp;

use crate::refusal::Refusal;
use crate::scope::Scopes;

/// A caller whose credential was found valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    pub(crate) kind: PrincipalKind,
    pub(crate) subject: String,
    pub(crate) scopes: Scopes,
    pub(crate) key_id: Option<String>,
    pub(crate) requests_per_minute: Option<u32>,
    pub(crate) until: Option<Timestamp>,
}

/// What kind of caller it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PrincipalKind {
    /// A service, by a token it signed.
    Service,
    /// A person, by a session of an identity provider.
    User,
    /// A program outside, by an API key.
    ApiKey,
}

impl PrincipalKind {
    /// Its name: `service`, `user` or `apiKey`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::User => "user",
            Self::ApiKey => "apiKey",
        }
    }
}

impl Principal {
    /// What kind of caller it is.
    #[must_use]
    pub fn kind(&self) -> PrincipalKind {
        self.kind
    }

    /// Who calls: the service's name, the user's id, or `key:` and the id of the API key.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// What it may do.
    #[must_use]
    pub fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// The id of the key: of the API key itself, or of the key that signed the token. Not a secret.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// How many requests per minute the API key may make; `None` for tokens.
    #[must_use]
    pub fn requests_per_minute(&self) -> Option<u32> {
        self.requests_per_minute
    }

    /// When the credential ends; `None` for an API key without an end.
    #[must_use]
    pub fn until(&self) -> Option<Timestamp> {
        self.until
    }

    /// Demands scopes.
    ///
    /// # Errors
    /// [`Refusal::InsufficientScope`], when it lacks one of them.
    pub fn demand(&self, demanded: &Scopes) -> Result<(), Refusal> {
        if self.scopes.cover(demanded) {
            return Ok(());
        }
        Err(Refusal::InsufficientScope {
            demanded: demanded.clone(),
        })
    }
}
