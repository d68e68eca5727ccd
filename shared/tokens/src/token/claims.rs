use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::refusal::InvalidCredential;
use crate::scope::Scopes;

/// The longest issuer, subject or token id, in bytes.
const TEXT_BYTES_MAX: usize = 512;
/// The most audiences of one token.
const AUDIENCES_MAX: usize = 50;
/// The last second that can be written as a date.
const LAST_SECOND: i64 = 253_402_300_799;

/// The claims of a token that is signed here (RFC 9068).
#[derive(Serialize)]
pub(crate) struct NewClaims<'a> {
    pub(crate) iss: &'a str,
    pub(crate) aud: &'a str,
    pub(crate) sub: &'a str,
    pub(crate) iat: i64,
    pub(crate) nbf: i64,
    pub(crate) exp: i64,
    pub(crate) jti: String,
    pub(crate) scope: String,
}

/// The claims as they were written. Others are ignored.
#[derive(Deserialize)]
struct Written<'a> {
    iss: String,
    sub: String,
    #[serde(borrow, default)]
    aud: Option<&'a RawValue>,
    #[serde(default)]
    client_id: Option<String>,
    #[serde(default)]
    token_use: Option<String>,
    #[serde(default)]
    iat: Option<i64>,
    #[serde(default)]
    nbf: Option<i64>,
    exp: i64,
    #[serde(default)]
    jti: Option<String>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    scopes: Option<Vec<String>>,
}

/// The claims of a token whose signature was checked. Times are seconds since 1970.
pub(crate) struct Claims {
    pub(crate) issuer: String,
    pub(crate) subject: String,
    pub(crate) audiences: Vec<String>,
    /// What an identity provider says the token is for; anything but `access` is not for calls.
    pub(crate) token_use: Option<String>,
    pub(crate) issued_at: Option<i64>,
    pub(crate) not_before: Option<i64>,
    pub(crate) expires_at: i64,
    pub(crate) id: Option<String>,
    pub(crate) scopes: Scopes,
}

impl Claims {
    pub(crate) fn read(text: &str) -> Result<Self, InvalidCredential> {
        // As of a request: a claim that is written twice, of which others may have read the other one, is refused.
        let written: Written<'_> = onecommit_json::from_request(text).map_err(|_| InvalidCredential::Claims)?;
        // Amazon Cognito's access tokens name the client they are for instead of an audience.
        let audiences = match (written.aud, written.client_id) {
            (Some(raw), _) => audiences_of(raw)?,
            (None, client) => client.into_iter().collect(),
        };
        let listed = written.scopes.unwrap_or_default();
        let spaced = written.scope.unwrap_or_default();
        let scopes = listed.iter().map(String::as_str);
        let scopes = scopes.chain(spaced.split(' ').filter(|scope| !scope.is_empty()));
        let claims = Self {
            issuer: written.iss,
            subject: written.sub,
            audiences,
            token_use: written.token_use,
            issued_at: written.iat,
            not_before: written.nbf,
            expires_at: written.exp,
            id: written.jti,
            scopes: Scopes::of(scopes).map_err(|_| InvalidCredential::Claims)?,
        };
        let texts = [Some(&claims.issuer), Some(&claims.subject), claims.id.as_ref()];
        let times = [claims.issued_at, claims.not_before, Some(claims.expires_at)];
        let is_sound = texts.into_iter().flatten().all(|text| is_plain(text))
            && times
                .into_iter()
                .flatten()
                .all(|time| (0..=LAST_SECOND).contains(&time));
        match is_sound {
            true => Ok(claims),
            false => Err(InvalidCredential::Claims),
        }
    }
}

/// What becomes part of keys, contexts and log lines: bounded, and without control characters.
fn is_plain(text: &str) -> bool {
    (1..=TEXT_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control)
}

fn audiences_of(raw: &RawValue) -> Result<Vec<String>, InvalidCredential> {
    let malformed = |_| InvalidCredential::Claims;
    if raw.get().starts_with('"') {
        return Ok(vec![onecommit_json::from_raw(raw).map_err(malformed)?]);
    }
    let several: Vec<String> = onecommit_json::from_raw(raw).map_err(malformed)?;
    match several.len() <= AUDIENCES_MAX {
        true => Ok(several),
        false => Err(InvalidCredential::Claims),
    }
}
