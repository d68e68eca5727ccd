use std::error::Error;

use crate::scope::Scopes;

/// Why a request is not carried out, by what its caller can do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// No credential came with the request: send one. 401.
    #[error("the request has no credential; send Authorization: Bearer with a token or an API key")]
    Missing,
    /// The credential is not valid: get another one. 401.
    #[error("the credential is not valid: {0}")]
    Invalid(#[from] InvalidCredential),
    /// The credential is valid, but is not for this. 403.
    #[error("the credential does not have the scope that this needs: {demanded}")]
    InsufficientScope {
        /// What it needs.
        demanded: Scopes,
    },
    /// It cannot be told now whether the credential is valid: send the same request again later. 503.
    #[error("the credential cannot be checked now; send the same request again")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}

/// What is wrong with a credential. None of these quotes any part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidCredential {
    /// Not of the form `Bearer` and one token.
    #[error("the header is not of the form Bearer TOKEN")]
    Header,
    /// Two credentials at once.
    #[error("the request has more than one credential")]
    Several,
    /// Neither a signed token nor an API key of this system.
    #[error("it is malformed")]
    Malformed,
    /// Its header asks for something that is not supported, such as a key that it brings itself.
    #[error("its header is not accepted")]
    TokenHeader,
    /// Its type is not the one that is expected here.
    #[error("it is a token of another type")]
    TokenType,
    /// Signed with a key that is not known here.
    #[error("it is signed with an unknown key")]
    UnknownKey,
    /// Not signed with the algorithm that its key is for.
    #[error("it is signed with another algorithm than its key has")]
    Algorithm,
    /// The signature is not that of its key.
    #[error("its signature is wrong")]
    Signature,
    /// A claim is missing, written twice, or not of its type.
    #[error("its claims are malformed")]
    Claims,
    /// Of another issuer.
    #[error("it is of another issuer")]
    Issuer,
    /// For another service.
    #[error("it is for another audience")]
    Audience,
    /// Not valid yet.
    #[error("it is not valid yet")]
    NotYet,
    /// Valid no more.
    #[error("it has expired")]
    Expired,
    /// Valid for longer than is accepted.
    #[error("it is valid for too long")]
    Lifetime,
    /// No such API key, or not its secret. The two are not told apart.
    #[error("there is no such API key")]
    UnknownApiKey,
    /// The API key was revoked.
    #[error("the API key was revoked")]
    Revoked,
}

impl Refusal {
    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Missing | Self::Invalid(_) => 401,
            Self::InsufficientScope { .. } => 403,
            Self::Unavailable(_) => 503,
        }
    }

    /// The code for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing => "unauthorized",
            Self::Invalid(_) => "invalidToken",
            Self::InsufficientScope { .. } => "insufficientScope",
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// The `WWW-Authenticate` header (RFC 6750, section 3). A request without a credential is not told of an error; one that
    /// cannot be checked now has no such header. Characters that could end the quoted realm are left out of it.
    #[must_use]
    pub fn www_authenticate(&self, realm: &str) -> Option<String> {
        let is_quotable = |character: &char| matches!(character, ' '..='~') && !matches!(character, '"' | '\\');
        let realm: String = realm.chars().filter(is_quotable).collect();
        match self {
            Self::Missing => Some(format!("Bearer realm=\"{realm}\"")),
            Self::Invalid(reason) => Some(format!(
                "Bearer realm=\"{realm}\", error=\"invalid_token\", error_description=\"{reason}\""
            )),
            Self::InsufficientScope { demanded } => Some(format!(
                "Bearer realm=\"{realm}\", error=\"insufficient_scope\", scope=\"{demanded}\""
            )),
            Self::Unavailable(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_has_the_header_of_rfc_6750() {
        let demanded = Scopes::parse("orders:write orders:read").unwrap();
        let cases = [
            (Refusal::Missing, 401, Some("Bearer realm=\"shop\"")),
            (
                InvalidCredential::Expired.into(),
                401,
                Some("Bearer realm=\"shop\", error=\"invalid_token\", error_description=\"it has expired\""),
            ),
            (
                Refusal::InsufficientScope { demanded },
                403,
                Some("Bearer realm=\"shop\", error=\"insufficient_scope\", scope=\"orders:read orders:write\""),
            ),
            (Refusal::Unavailable("no answer".into()), 503, None),
        ];
        for (refusal, status, header) in cases {
            assert_eq!(refusal.status(), status);
            assert_eq!(refusal.www_authenticate("shop").as_deref(), header);
        }
    }

    #[test]
    fn a_realm_cannot_end_its_quotes() {
        let header = Refusal::Missing.www_authenticate("a\", error=\"x\r\n").unwrap();
        assert_eq!(header, "Bearer realm=\"a, error=x\"");
    }
}
