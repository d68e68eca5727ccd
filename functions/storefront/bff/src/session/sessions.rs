use std::fmt;
use std::sync::Arc;

use axum::http::header::{AUTHORIZATION, HeaderMap};
use onecommit_environment::Environment;
use onecommit_tokens::{Authenticator, Credentials, InvalidCredential, Principal, Refusal, TokenVerifier};

use super::cookie;
use super::local::LocalIssuer;
use super::origin::Origin;

/// Whose access tokens count here, and where this site is.
#[derive(Clone)]
pub struct Sessions(Arc<Parts>);

struct Parts {
    callers: Authenticator,
    local: Option<LocalIssuer>,
    origin: Origin,
    environment: Environment,
}

/// A session that was found valid, and how it came.
pub(super) struct Found {
    pub(super) principal: Principal,
    pub(super) token: String,
    pub(super) is_cookie: bool,
}

impl Sessions {
    /// The sessions of these issuers, on the site of this origin. `local` signs anybody in: it is for the stage `local` alone,
    /// and what checks its sessions is one of the issuers.
    #[must_use]
    pub fn new(
        issuers: Vec<TokenVerifier>,
        local: Option<LocalIssuer>,
        origin: Origin,
        environment: Environment,
    ) -> Self {
        let callers = issuers
            .into_iter()
            .fold(Authenticator::default(), Authenticator::with_tokens);
        Self(Arc::new(Parts {
            callers,
            local,
            origin,
            environment,
        }))
    }

    pub(crate) fn local(&self) -> Option<&LocalIssuer> {
        self.0.local.as_ref()
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.0.environment
    }

    pub(super) fn origin(&self) -> &Origin {
        &self.0.origin
    }

    /// Whose session a request comes with. A token in `Authorization` counts before the cookie, which a browser adds by itself.
    pub(super) async fn of_request(&self, headers: &HeaderMap) -> Result<Found, Refusal> {
        let (token, is_cookie) = match bearer_in(headers)? {
            Some(token) => (token, false),
            None => (cookie::token_in(headers)?.ok_or(Refusal::Missing)?, true),
        };
        let header = format!("Bearer {token}");
        let principal = self
            .0
            .callers
            .authenticate(Credentials::of_authorization(&header))
            .await?;
        Ok(Found {
            principal,
            token,
            is_cookie,
        })
    }
}

fn bearer_in(headers: &HeaderMap) -> Result<Option<String>, InvalidCredential> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(_), Some(_)) => return Err(InvalidCredential::Several),
        (Some(value), None) => value.to_str().map_err(|_| InvalidCredential::Header)?,
    };
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim().to_owned())),
        _ => Err(InvalidCredential::Header),
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Sessions")
            .field("local", &self.0.local)
            .field("origin", &self.0.origin)
            .finish_non_exhaustive()
    }
}
