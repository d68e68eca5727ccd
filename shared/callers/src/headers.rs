use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, AsHeaderName};
use onecommit_tokens::{Credentials, InvalidCredential};

const API_KEY: &str = "x-api-key";

/// The headers that may hold a credential. A header that came twice is refused: which of them counts is not for us to choose.
pub(crate) fn credentials_in(headers: &HeaderMap) -> Result<Credentials<'_>, InvalidCredential> {
    Ok(Credentials {
        authorization: only(headers, AUTHORIZATION)?,
        api_key: only(headers, API_KEY)?,
    })
}

fn only(headers: &HeaderMap, name: impl AsHeaderName) -> Result<Option<&str>, InvalidCredential> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| InvalidCredential::Header),
        (Some(_), Some(_)) => Err(InvalidCredential::Several),
    }
}
