use std::fmt;
use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};
use onecommit_environment::Environment;
use onecommit_tokens::{
    Authenticator, Credentials, Expected, InvalidCredential, InvalidKey, Jwks, KeySet, Refusal, Scopes, TokenVerifier,
};

/// The header in which the gateway hands a viewer's token on to the subgraphs: the token and nothing else.
pub const VIEWER_TOKEN: HeaderName = HeaderName::from_static("x-viewer-token");

/// The issuer of sessions on the stage `local`, whose secret everybody knows.
pub const LOCAL_USERS: &str = "local-users";
const LOCAL_KEY: &str = "local";

/// Whose sessions count.
#[derive(Clone)]
pub struct Viewers(Arc<Authenticator>);

/// A person whose session is valid.
#[derive(Clone, PartialEq, Eq)]
pub struct Viewer {
    user_id: String,
    token: String,
}

impl Viewer {
    /// The person's id.
    #[must_use]
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// The session's token, to hand on in [`VIEWER_TOKEN`].
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }
}

impl Viewers {
    /// The people with sessions of these issuers.
    #[must_use]
    pub fn new(issuers: impl IntoIterator<Item = TokenVerifier>) -> Self {
        let issuers = issuers.into_iter();
        Self(Arc::new(
            issuers.fold(Authenticator::default(), Authenticator::with_tokens),
        ))
    }

    /// Who sends a request to the gateway, by its `Authorization`; `None` for a request without one.
    ///
    /// # Errors
    /// When there is a credential that is not valid, or that cannot be checked now.
    pub async fn of_authorization(&self, headers: &HeaderMap) -> Result<Option<Viewer>, Refusal> {
        let Some(value) = only(headers, AUTHORIZATION)? else {
            return Ok(None);
        };
        match value.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                self.of_token(token.trim()).await.map(Some)
            }
            _ => Err(InvalidCredential::Header.into()),
        }
    }

    /// On whose account a subgraph is asked, by [`VIEWER_TOKEN`]; `None` for a request without one.
    ///
    /// # Errors
    /// When there is a token that is not valid, or that cannot be checked now.
    pub async fn handed_on(&self, headers: &HeaderMap) -> Result<Option<Viewer>, Refusal> {
        match only(headers, VIEWER_TOKEN)? {
            Some(token) => self.of_token(token).await.map(Some),
            None => Ok(None),
        }
    }

    async fn of_token(&self, token: &str) -> Result<Viewer, Refusal> {
        let header = format!("Bearer {token}");
        let principal = self.0.authenticate(Credentials::of_authorization(&header)).await?;
        Ok(Viewer {
            user_id: principal.subject().to_owned(),
            token: token.to_owned(),
        })
    }
}

/// The only value of a header. A header that came twice is refused: which of them counts is not for us to choose.
fn only(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>, InvalidCredential> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| InvalidCredential::Header),
        (Some(_), Some(_)) => Err(InvalidCredential::Several),
    }
}

/// What checks the sessions of [`LOCAL_USERS`] with this shared secret: for the stage `local` alone.
///
/// # Errors
/// When the secret is shorter than 32 bytes.
pub fn local_verifier(secret: &str, audience: &str, environment: &Environment) -> Result<TokenVerifier, InvalidKey> {
    let keys = KeySet::default().with_secret(LOCAL_KEY, secret.as_bytes())?;
    let expected = Expected::user_session(LOCAL_USERS, audience, Scopes::none());
    let keys = Jwks::fixed(keys, environment.clone());
    Ok(TokenVerifier::new(keys, expected, environment.clone()))
}

impl fmt::Debug for Viewer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Viewer(..)")
    }
}

impl fmt::Debug for Viewers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Viewers(..)")
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use onecommit_tokens::{SigningKey, TokenSigner};

    use super::*;

    const SECRET: &str = "a-secret-of-at-least-32-bytes-for-tests";

    fn token(issuer: &str, user: &str, audience: &str) -> String {
        let key = SigningKey::from_secret(LOCAL_KEY, SECRET.as_bytes()).unwrap();
        let signer = TokenSigner::new(key, issuer, user, Environment::system());
        signer.token(audience, &Scopes::none()).unwrap().expose().to_owned()
    }

    fn viewers() -> Viewers {
        Viewers::new([local_verifier(SECRET, "shop", &Environment::system()).unwrap()])
    }

    fn headers(name: HeaderName, values: &[&str]) -> HeaderMap {
        let values = values.iter().map(|value| HeaderValue::from_str(value).unwrap());
        values
            .map(|value| (name.clone(), value))
            .fold(HeaderMap::new(), |mut all, (name, value)| {
                all.append(name, value);
                all
            })
    }

    #[tokio::test]
    async fn a_session_is_its_person_in_either_header() {
        let token = token(LOCAL_USERS, "ada", "shop");
        let sent = headers(AUTHORIZATION, &[&format!("Bearer {token}")]);
        let viewer = viewers().of_authorization(&sent).await.unwrap().unwrap();
        assert_eq!((viewer.user_id(), viewer.token()), ("ada", &*token));
        let handed_on = headers(VIEWER_TOKEN, &[viewer.token()]);
        assert_eq!(viewers().handed_on(&handed_on).await.unwrap(), Some(viewer));
        assert!(!format!("{:?}", viewers()).contains("secret"));
    }

    #[tokio::test]
    async fn without_a_token_it_is_nobody() {
        assert_eq!(viewers().of_authorization(&HeaderMap::new()).await.unwrap(), None);
        assert_eq!(viewers().handed_on(&HeaderMap::new()).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_name_is_not_believed() {
        let good = token(LOCAL_USERS, "ada", "shop");
        let forged = format!("{}x", &good[..good.len() - 1]);
        let other_audience = token(LOCAL_USERS, "ada", "other");
        let other_issuer = token("somebody", "ada", "shop");
        for wrong in ["ada", "", &forged, &other_audience, &other_issuer] {
            let sent = headers(VIEWER_TOKEN, &[wrong]);
            assert_eq!(viewers().handed_on(&sent).await.unwrap_err().status(), 401, "{wrong}");
        }
        let twice = headers(VIEWER_TOKEN, &[&good, &good]);
        assert_eq!(viewers().handed_on(&twice).await.unwrap_err().status(), 401);
        let basic = headers(AUTHORIZATION, &["Basic YWRhOg=="]);
        assert_eq!(viewers().of_authorization(&basic).await.unwrap_err().status(), 401);
    }
}
