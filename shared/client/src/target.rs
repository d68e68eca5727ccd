use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http::{Request, Response};
use onecommit_resilience::Classify;
use tower::{Service, ServiceExt};

use crate::discovery::Instances;
use crate::exchange::{Exchanged, Step};
use crate::trouble::{InvalidRequest, Trouble};

/// Where a service is.
#[derive(Clone)]
pub struct Address {
    service: Arc<str>,
    scheme: Scheme,
    place: Place,
    /// What precedes every path, without a `/` at its end.
    prefix: Arc<str>,
}

#[derive(Clone)]
enum Place {
    Fixed(Authority),
    Discovered(Instances),
}

/// A text that is not the address of a service. It is not quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an http or https address such as https://prices.example/v1, without user, query and fragment")]
pub struct AddressError(());

impl Address {
    /// The service of this name at a fixed address, for example `https://prices.example/v1`.
    ///
    /// # Errors
    /// When it is not an `http` or `https` address, or holds a user, a query or a fragment.
    pub fn fixed(service: impl Into<Arc<str>>, address: &str) -> Result<Self, AddressError> {
        let is_plain = !address.contains(['@', '?', '#', '\\']);
        let uri: Uri = address.parse().map_err(|_| AddressError(()))?;
        let parts = uri.into_parts();
        let scheme = parts
            .scheme
            .filter(|scheme| [Scheme::HTTP, Scheme::HTTPS].contains(scheme));
        let (Some(scheme), Some(authority), true) = (scheme, parts.authority, is_plain) else {
            return Err(AddressError(()));
        };
        let prefix = parts.path_and_query.as_ref().map_or("", PathAndQuery::as_str);
        Ok(Self {
            service: service.into(),
            scheme,
            place: Place::Fixed(authority),
            prefix: prefix.trim_end_matches('/').into(),
        })
    }

    /// A service whose instances are found, over plain HTTP. Its name is theirs.
    #[must_use]
    pub fn discovered(instances: Instances) -> Self {
        Self {
            service: instances.service().into(),
            scheme: Scheme::HTTP,
            place: Place::Discovered(instances),
            prefix: "".into(),
        }
    }

    /// The same over HTTPS: the certificate of each instance has to name its host.
    #[must_use]
    pub fn over_tls(mut self) -> Self {
        self.scheme = Scheme::HTTPS;
        self
    }

    /// The service's name.
    #[must_use]
    pub fn service(&self) -> &Arc<str> {
        &self.service
    }

    fn uri(&self, authority: Authority, path: &Uri) -> Result<Uri, Trouble> {
        let path = path.path_and_query().map_or("/", PathAndQuery::as_str);
        let uri = Uri::builder()
            .scheme(self.scheme.clone())
            .authority(authority)
            .path_and_query([&*self.prefix, path].concat())
            .build();
        uri.map_err(|_| Trouble::InvalidRequest(InvalidRequest::Path("does not make an address")))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Address")
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

/// Sends each attempt to an instance, and notes how it ended there.
#[derive(Clone)]
pub(crate) struct Addressed<S> {
    inner: S,
    address: Address,
}

impl<S> Addressed<S> {
    pub(crate) fn new(inner: S, address: Address) -> Self {
        Self { inner, address }
    }
}

impl<S: Step> Service<Request<Bytes>> for Addressed<S> {
    type Response = Response<Bytes>;
    type Error = Trouble;
    type Future = Exchanged;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Trouble>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Bytes>) -> Exchanged {
        let Self { inner, address } = self.clone();
        Box::pin(async move {
            let instances = match &address.place {
                Place::Fixed(authority) => {
                    *request.uri_mut() = address.uri(authority.clone(), request.uri())?;
                    return inner.oneshot(request).await;
                }
                Place::Discovered(instances) => instances,
            };
            let no_instance = || Trouble::NoInstance(address.service.clone());
            let picked = instances.pick().await.map_err(|_| no_instance())?;
            let authority = picked.instance.authority().parse().map_err(|_| no_instance())?;
            *request.uri_mut() = address.uri(authority, request.uri())?;
            let answer = inner.oneshot(request).await;
            let has_failed = answer.as_ref().is_err_and(|trouble| trouble.failure().is_fault());
            instances.note(&picked, has_failed);
            answer
        })
    }
}
