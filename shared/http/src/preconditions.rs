use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::{IF_MATCH, IF_NONE_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use headers::{ETag, Header, HeaderMapExt, IfMatch, IfNoneMatch};

use crate::error::ApiError;

/// What a request demands of the version of what it reads or changes (RFC 9110, section 13.1), as `If-Match` and
/// `If-None-Match` have it. The entity tag of a version is the number in quotes.
#[derive(Clone, Debug, Default)]
pub struct Preconditions {
    matches: Demand<IfMatch>,
    differs: Demand<IfNoneMatch>,
}

#[derive(Clone, Debug, Default)]
enum Demand<T> {
    #[default]
    None,
    Is(T),
    /// What cannot be read matches no version.
    Unreadable,
}

impl Preconditions {
    /// Whether nothing is demanded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!((&self.matches, &self.differs), (Demand::None, Demand::None))
    }

    /// Compares what a change demands with the version that is there, or with nothing being there.
    ///
    /// # Errors
    /// 412 `versionMismatch`.
    pub fn check(&self, version: Option<u64>) -> Result<(), ApiError> {
        let matches = match &self.matches {
            Demand::None => true,
            Demand::Unreadable => false,
            Demand::Is(tags) => version.and_then(tag).is_some_and(|tag| tags.precondition_passes(&tag)),
        };
        match matches && !self.has(version) {
            true => Ok(()),
            false => Err(ApiError::version_mismatch()),
        }
    }

    /// The answer to a request that reads: `body` with its `ETag`, or 304 without a body if the caller has this version.
    pub fn answer(&self, version: u64, body: impl IntoResponse) -> Response {
        match self.has(Some(version)) {
            true => with_version(version, StatusCode::NOT_MODIFIED),
            false => with_version(version, body),
        }
    }

    /// Whether this is a version that the caller says it has.
    fn has(&self, version: Option<u64>) -> bool {
        match (&self.differs, version.and_then(tag)) {
            (Demand::Is(tags), Some(tag)) => !tags.precondition_passes(&tag),
            _ => false,
        }
    }
}

/// An answer with the version of what it shows as its `ETag`.
pub fn with_version(version: u64, answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    if let Some(tag) = tag(version) {
        response.headers_mut().typed_insert(tag);
    }
    response
}

/// A number in quotes is always an entity tag.
fn tag(version: u64) -> Option<ETag> {
    format!("\"{version}\"").parse().ok()
}

impl<S: Send + Sync> FromRequestParts<S> for Preconditions {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self {
            matches: demand(parts, &IF_MATCH),
            differs: demand(parts, &IF_NONE_MATCH),
        })
    }
}

fn demand<T: Header>(parts: &Parts, name: &HeaderName) -> Demand<T> {
    let mut values = parts.headers.get_all(name).iter().peekable();
    match values.peek() {
        None => Demand::None,
        Some(_) => T::decode(&mut values).map_or(Demand::Unreadable, Demand::Is),
    }
}
