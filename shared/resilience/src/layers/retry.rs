use std::task::{Context, Poll};

use tower::util::ServiceExt as _;
use tower::{Layer, Service};

use super::ServiceFuture;
use super::describe::Describe;
use crate::failure::{Classify, Stopped};
use crate::retries::Retries;

/// [`Retries`] around a service. A request that cannot be copied is sent once, within its deadline.
#[derive(Clone, Debug)]
pub struct RetryLayer<D> {
    retries: Retries,
    describe: D,
}

impl<D> RetryLayer<D> {
    /// Retries of requests that `describe` knows.
    pub fn new(retries: Retries, describe: D) -> Self {
        Self { retries, describe }
    }
}

impl<S, D: Clone> Layer<S> for RetryLayer<D> {
    type Service = RetryService<S, D>;

    fn layer(&self, inner: S) -> Self::Service {
        RetryService {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service whose failed requests are sent again.
#[derive(Clone, Debug)]
pub struct RetryService<S, D> {
    inner: S,
    layer: RetryLayer<D>,
}

impl<S, D, Request> Service<Request> for RetryService<S, D>
where
    S: Service<Request> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Response: Send,
    S::Error: Classify + From<Stopped> + Send,
    D: Describe<Request>,
    Request: Send + Sync + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ServiceFuture<S::Response, S::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        // Each attempt waits for a service of its own to be ready, within its deadline.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (service, RetryLayer { retries, describe }) = (self.inner.clone(), self.layer.clone());
        Box::pin(async move {
            let deadline = describe.deadline(&request);
            let Some(first) = describe.attempt(&request, 1) else {
                return retries.run_once(deadline, service.oneshot(request)).await;
            };
            let repetition = describe.repetition(&request);
            let mut first = Some(first);
            let attempt = |number| {
                let copy = first.take().or_else(|| describe.attempt(&request, number));
                let service = service.clone();
                async move {
                    match copy {
                        Some(copy) => service.oneshot(copy).await,
                        None => Err(Stopped::CannotRepeat.into()),
                    }
                }
            };
            retries.run(deadline, repetition, attempt).await
        })
    }
}
