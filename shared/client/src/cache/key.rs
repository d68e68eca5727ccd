use bytes::Bytes;
use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderMap, HeaderName, Request};

use crate::context::{CORRELATION_ID, TRACEPARENT, TRACESTATE, XRAY};
use crate::identity::API_KEY;

/// What tells answers apart: the address, and who asks. Within it, the service's `Vary` does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    uri: String,
    principal: String,
    /// What a caller says of itself in headers of its own.
    credentials: Vec<Option<Vec<u8>>>,
}

impl Key {
    pub(super) fn of(request: &Request<Bytes>, principal: &str) -> Self {
        let said = |name: &HeaderName| request.headers().get(name).map(|value| value.as_bytes().to_vec());
        Self {
            uri: request.uri().to_string(),
            principal: principal.to_owned(),
            credentials: [AUTHORIZATION, COOKIE, API_KEY].iter().map(said).collect(),
        }
    }
}

/// What tells requests apart that are under way: everything that the caller says, but to which cause a call belongs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct FlightKey {
    key: Key,
    headers: Vec<(String, Vec<u8>)>,
}

impl FlightKey {
    pub(super) fn of(key: &Key, headers: &HeaderMap) -> Self {
        let mut said: Vec<_> = headers
            .iter()
            .filter(|(name, _)| ![CORRELATION_ID, TRACEPARENT, TRACESTATE, XRAY].contains(name))
            .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
            .collect();
        said.sort();
        Self {
            key: key.clone(),
            headers: said,
        }
    }
}
