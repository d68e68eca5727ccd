use crate::api_key::{ApiKeyVerifier, looks_like_api_key};
use crate::principal::Principal;
use crate::refusal::{InvalidCredential, Refusal};
use crate::token::TokenVerifier;
use crate::token::verifier::claimed_issuer;

/// Who calls, by whatever kind of credential is accepted here: service tokens, user sessions, API keys.
///
/// Each kind is accepted only once it is added.
#[derive(Debug, Default)]
pub struct Authenticator {
    tokens: Vec<TokenVerifier>,
    api_keys: Option<ApiKeyVerifier>,
}

/// The headers of a request that may hold its credential.
#[derive(Clone, Copy, Default)]
pub struct Credentials<'a> {
    /// `Authorization`: `Bearer` and a token or an API key.
    pub authorization: Option<&'a str>,
    /// `X-Api-Key`: an API key.
    pub api_key: Option<&'a str>,
}

impl<'a> Credentials<'a> {
    /// Those of a request with this `Authorization` header alone.
    #[must_use]
    pub fn of_authorization(header: &'a str) -> Self {
        Self {
            authorization: Some(header),
            api_key: None,
        }
    }

    /// The one credential that the request has.
    fn only(self) -> Result<&'a str, Refusal> {
        match (self.authorization, self.api_key) {
            (None, None) => Err(Refusal::Missing),
            (Some(_), Some(_)) => Err(InvalidCredential::Several.into()),
            (None, Some(key)) => Ok(key),
            (Some(header), None) => {
                let (scheme, credential) = header.split_once(' ').ok_or(InvalidCredential::Header)?;
                let credential = credential.trim_start_matches(' ');
                match scheme.eq_ignore_ascii_case("bearer") && !credential.is_empty() {
                    true => Ok(credential),
                    false => Err(InvalidCredential::Header.into()),
                }
            }
        }
    }
}

impl std::fmt::Debug for Credentials<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Credentials(..)")
    }
}

impl Authenticator {
    /// Accepts the tokens of one more issuer. Of two verifiers for one issuer, a token has to suit either.
    #[must_use]
    pub fn with_tokens(mut self, verifier: TokenVerifier) -> Self {
        self.tokens.push(verifier);
        self
    }

    /// Accepts API keys.
    #[must_use]
    pub fn with_api_keys(mut self, verifier: ApiKeyVerifier) -> Self {
        self.api_keys = Some(verifier);
        self
    }

    /// Whether it accepts no kind of credential at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty() && self.api_keys.is_none()
    }

    /// Who sent the request.
    ///
    /// # Errors
    /// See [`Refusal`]; it never is one of scopes.
    pub async fn authenticate(&self, credentials: Credentials<'_>) -> Result<Principal, Refusal> {
        let credential = credentials.only()?;
        if looks_like_api_key(credential) {
            let Some(verifier) = &self.api_keys else {
                return Err(InvalidCredential::UnknownApiKey.into());
            };
            return verifier.verify(credential).await;
        }
        // An API key has its header, a token has none of its own.
        if credentials.api_key.is_some() {
            return Err(InvalidCredential::Malformed.into());
        }
        let issuer = claimed_issuer(credential).ok_or(InvalidCredential::Malformed)?;
        let mut refusal = InvalidCredential::Issuer.into();
        for verifier in self
            .tokens
            .iter()
            .filter(|verifier| verifier.expected().issuer() == issuer)
        {
            match verifier.verify(credential).await {
                Err(Refusal::Invalid(reason)) => refusal = reason.into(),
                known => return known,
            }
        }
        Err(refusal)
    }
}
