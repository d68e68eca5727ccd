use std::task::{Context, Poll};

use tower::util::ServiceExt as _;
use tower::{Layer, Service};

use super::ServiceFuture;
use super::describe::Describe;
use crate::failure::Stopped;
use crate::hedge::Hedge;
use crate::nesting::current_attempt;

/// A [`Hedge`] around a service: for its reads only.
#[derive(Clone, Debug)]
pub struct HedgeLayer<D> {
    hedge: Hedge,
    describe: D,
}

impl<D> HedgeLayer<D> {
    /// Hedges of reads that `describe` knows.
    pub fn new(hedge: Hedge, describe: D) -> Self {
        Self { hedge, describe }
    }
}

impl<S, D: Clone> Layer<S> for HedgeLayer<D> {
    type Service = HedgeService<S, D>;

    fn layer(&self, inner: S) -> Self::Service {
        HedgeService {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service whose late reads are sent twice.
#[derive(Clone, Debug)]
pub struct HedgeService<S, D> {
    inner: S,
    layer: HedgeLayer<D>,
}

impl<S, D, Request> Service<Request> for HedgeService<S, D>
where
    S: Service<Request> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Response: Send,
    S::Error: From<Stopped> + Send,
    D: Describe<Request>,
    Request: Send + Sync + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ServiceFuture<S::Response, S::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (service, HedgeLayer { hedge, describe }) = (self.inner.clone(), self.layer.clone());
        Box::pin(async move {
            let number = current_attempt().unwrap_or(1);
            if !describe.is_read(&request) || describe.attempt(&request, number).is_none() {
                return service.oneshot(request).await;
            }
            let read = || {
                let (copy, service) = (describe.attempt(&request, number), service.clone());
                async move {
                    match copy {
                        Some(copy) => service.oneshot(copy).await,
                        None => Err(Stopped::CannotRepeat.into()),
                    }
                }
            };
            hedge.run(read).await
        })
    }
}
