use std::time::Duration;

use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use onecommit_callers::problem_of;
use onecommit_environment::Timestamp;
use onecommit_http::ApiError;
use onecommit_tokens::Refusal;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tracing::{info, warn};

use super::sessions::{Found, Sessions};

/// The name of this API in `WWW-Authenticate`.
const REALM: &str = "storefront";

/// A person whose session is valid.
#[derive(Clone)]
pub(crate) struct Caller {
    user_id: String,
    token: String,
    until: Timestamp,
}

/// Why a request is not carried out.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Nobody is signed in, or it cannot be found out.
    Unidentified(Refusal),
    /// Another site's page may have sent it.
    Foreign,
}

impl Caller {
    /// Whose request this is. A change that comes with the cookie has to come from a page of this site.
    pub(crate) async fn of(parts: &Parts, sessions: &Sessions) -> Result<Self, Refused> {
        let found = sessions.of_request(&parts.headers).await;
        let found = found.map_err(Refused::Unidentified)?;
        if found.is_cookie && !parts.method.is_safe() && !sessions.origin().is_named_by(&parts.headers) {
            return Err(Refused::Foreign);
        }
        let Found { principal, token, .. } = found;
        Ok(Self {
            user_id: principal.subject().to_owned(),
            token,
            // A session always has an end.
            until: principal
                .until()
                .unwrap_or_else(|| sessions.environment().clock().now()),
        })
    }

    /// The id of the person. All that is read or changed for this request is theirs.
    pub(crate) fn user_id(&self) -> &str {
        &self.user_id
    }

    /// The session's token.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// How long the session is valid from now on.
    pub(crate) fn remaining(&self, sessions: &Sessions) -> Duration {
        self.until.since(sessions.environment().clock().now())
    }

    /// What the forms of this session's pages bring along: nobody knows it who does not see the pages, or the session.
    pub(crate) fn form_token(&self) -> String {
        let digest = Sha256::new()
            .chain_update(b"form token\0")
            .chain_update(&self.token)
            .finalize();
        URL_SAFE_NO_PAD.encode(digest)
    }

    /// Whether a form is one of this session's pages.
    pub(crate) fn is_form_token(&self, text: &str) -> bool {
        self.form_token().as_bytes().ct_eq(text.as_bytes()).into()
    }
}

/// Whether a request that nobody's session is needed for comes from a page of this site.
pub(crate) fn same_site(parts: &Parts, sessions: &Sessions) -> bool {
    sessions.origin().is_named_by(&parts.headers)
}

impl Refused {
    /// Whether it is well known that nobody is signed in.
    pub(crate) fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Unidentified(refusal) if refusal.status() == 401)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Unidentified(refusal) => {
                match &refusal {
                    Refusal::Unavailable(source) => warn!(error = %source, "caller cannot be identified"),
                    refused => info!(refusal.code = refused.code(), reason = %refused, "caller was refused"),
                }
                problem_of(&refusal, REALM)
            }
            Self::Foreign => {
                let message = "a change that comes with the session's cookie has to come from this site: send Origin";
                ApiError::new(StatusCode::FORBIDDEN, "foreignOrigin", message).into_response()
            }
        }
    }
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Caller(..)")
    }
}
