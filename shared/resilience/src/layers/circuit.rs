use std::task::{Context, Poll};

use tower::util::ServiceExt as _;
use tower::{Layer, Service};

use super::ServiceFuture;
use crate::circuit::Circuit;
use crate::failure::{Classify, Stopped};

/// A [`Circuit`] before a service.
#[derive(Clone, Debug)]
pub struct CircuitLayer(Circuit);

impl CircuitLayer {
    /// This circuit before every service that the layer is put around.
    #[must_use]
    pub fn new(circuit: Circuit) -> Self {
        Self(circuit)
    }
}

impl<S> Layer<S> for CircuitLayer {
    type Service = CircuitService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CircuitService {
            inner,
            circuit: self.0.clone(),
        }
    }
}

/// A service behind a circuit breaker.
#[derive(Clone, Debug)]
pub struct CircuitService<S> {
    inner: S,
    circuit: Circuit,
}

impl<S, Request> Service<Request> for CircuitService<S>
where
    S: Service<Request> + Clone + Send + 'static,
    S::Future: Send,
    S::Response: Send,
    S::Error: Classify + From<Stopped> + Send,
    Request: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ServiceFuture<S::Response, S::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        // An open circuit answers even when the service is never ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (service, circuit) = (self.inner.clone(), self.circuit.clone());
        Box::pin(async move { circuit.call(|| service.oneshot(request)).await })
    }
}
