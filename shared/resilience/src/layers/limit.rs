use std::task::{Context, Poll};

use tower::util::ServiceExt as _;
use tower::{Layer, Service};

use super::ServiceFuture;
use crate::failure::Stopped;
use crate::limits::{Admission, RateLimit, RateLimits};

/// [`RateLimits`] before a service. `F` says whose limit a request is taken from, and which it is; `None` for a request without.
#[derive(Clone, Debug)]
pub struct RateLimitLayer<F> {
    limits: RateLimits,
    subject_of: F,
}

impl<F> RateLimitLayer<F> {
    /// Limits by what `subject_of` says of a request: a function of `&Request` to `Option<(String, RateLimit)>`.
    pub fn new(limits: RateLimits, subject_of: F) -> Self {
        Self { limits, subject_of }
    }
}

impl<S, F: Clone> Layer<S> for RateLimitLayer<F> {
    type Service = RateLimitService<S, F>;

    fn layer(&self, inner: S) -> Self::Service {
        RateLimitService {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service that serves each subject as often as its limit says.
#[derive(Clone, Debug)]
pub struct RateLimitService<S, F> {
    inner: S,
    layer: RateLimitLayer<F>,
}

impl<S, F, Request> Service<Request> for RateLimitService<S, F>
where
    S: Service<Request> + Clone + Send + 'static,
    S::Future: Send,
    S::Response: Send,
    S::Error: From<Stopped> + Send,
    F: Fn(&Request) -> Option<(String, RateLimit)>,
    Request: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ServiceFuture<S::Response, S::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (service, limits) = (self.inner.clone(), self.layer.limits.clone());
        let subject = (self.layer.subject_of)(&request);
        Box::pin(async move {
            if let Some((subject, limit)) = subject
                && let Admission::Limited(after) = limits.admit(&subject, limit).await
            {
                return Err(Stopped::RateLimited(after).into());
            }
            service.oneshot(request).await
        })
    }
}
