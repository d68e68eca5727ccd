use std::future::Future;
use std::task::{Context, Poll};

use tower::util::ServiceExt as _;
use tower::{Layer, Service};

use super::ServiceFuture;
use super::describe::Describe;
use crate::failure::Classify;

/// Another answer for a request whose downstream does not work, also while its circuit is open: from a cache, a default,
/// or that it was queued as a command.
///
/// `F` is given the request, when it could be copied, and the error, and answers or returns the error. A request
/// that the downstream refused keeps its error.
#[derive(Clone, Debug)]
pub struct FallbackLayer<D, F> {
    describe: D,
    fallback: F,
}

impl<D, F> FallbackLayer<D, F> {
    /// `fallback` for requests that `describe` knows: an async function of `(Option<Request>, Error)` to a result.
    pub fn new(describe: D, fallback: F) -> Self {
        Self { describe, fallback }
    }
}

impl<S, D: Clone, F: Clone> Layer<S> for FallbackLayer<D, F> {
    type Service = FallbackService<S, D, F>;

    fn layer(&self, inner: S) -> Self::Service {
        FallbackService {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service that has another answer.
#[derive(Clone, Debug)]
pub struct FallbackService<S, D, F> {
    inner: S,
    layer: FallbackLayer<D, F>,
}

impl<S, D, F, G, Request> Service<Request> for FallbackService<S, D, F>
where
    S: Service<Request> + Clone + Send + 'static,
    S::Future: Send,
    S::Response: Send,
    S::Error: Classify + Send,
    D: Describe<Request>,
    F: Fn(Option<Request>, S::Error) -> G + Clone + Send + 'static,
    G: Future<Output = Result<S::Response, S::Error>> + Send,
    Request: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ServiceFuture<S::Response, S::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (service, fallback) = (self.inner.clone(), self.layer.fallback.clone());
        let copy = self.layer.describe.attempt(&request, 1);
        Box::pin(async move {
            match service.oneshot(request).await {
                Err(error) if error.failure().does_not_serve() => fallback(copy, error).await,
                answer => answer,
            }
        })
    }
}
