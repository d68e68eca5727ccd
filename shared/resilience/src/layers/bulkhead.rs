use std::task::{Context, Poll};

use tower::util::ServiceExt as _;
use tower::{Layer, Service};

use super::ServiceFuture;
use crate::bulkhead::Bulkhead;
use crate::failure::Stopped;

/// A [`Bulkhead`] around a service.
#[derive(Clone, Debug)]
pub struct BulkheadLayer(Bulkhead);

impl BulkheadLayer {
    /// This bulkhead around every service that the layer is put around.
    #[must_use]
    pub fn new(bulkhead: Bulkhead) -> Self {
        Self(bulkhead)
    }
}

impl<S> Layer<S> for BulkheadLayer {
    type Service = BulkheadService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        BulkheadService {
            inner,
            bulkhead: self.0.clone(),
        }
    }
}

/// A service with a bounded number of requests at work.
#[derive(Clone, Debug)]
pub struct BulkheadService<S> {
    inner: S,
    bulkhead: Bulkhead,
}

impl<S, Request> Service<Request> for BulkheadService<S>
where
    S: Service<Request> + Clone + Send + 'static,
    S::Future: Send,
    S::Response: Send,
    S::Error: From<Stopped> + Send,
    Request: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ServiceFuture<S::Response, S::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (service, bulkhead) = (self.inner.clone(), self.bulkhead.clone());
        Box::pin(async move { bulkhead.call(|| service.oneshot(request)).await })
    }
}
