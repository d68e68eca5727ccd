use std::task::{Context, Poll};
use std::time::Duration;

use onecommit_environment::Environment;
use tower::{Layer, Service};

use super::ServiceFuture;
use super::describe::Describe;
use crate::failure::Stopped;

/// Ends each request of a service at its limit or its deadline, whichever is sooner.
#[derive(Clone, Debug)]
pub struct TimeoutLayer<D> {
    limit: Duration,
    describe: D,
    environment: Environment,
}

impl<D> TimeoutLayer<D> {
    /// `limit` for each request.
    pub fn new(limit: Duration, describe: D, environment: Environment) -> Self {
        Self {
            limit,
            describe,
            environment,
        }
    }
}

impl<S, D: Clone> Layer<S> for TimeoutLayer<D> {
    type Service = TimeoutService<S, D>;

    fn layer(&self, inner: S) -> Self::Service {
        TimeoutService {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service that answers in time, or with [`Stopped`].
#[derive(Clone, Debug)]
pub struct TimeoutService<S, D> {
    inner: S,
    layer: TimeoutLayer<D>,
}

impl<S, D, Request> Service<Request> for TimeoutService<S, D>
where
    S: Service<Request>,
    S::Future: Send + 'static,
    S::Error: From<Stopped>,
    D: Describe<Request>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ServiceFuture<S::Response, S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (environment, limit) = (self.layer.environment.clone(), self.layer.limit);
        let remaining = self.layer.describe.deadline(&request).remaining(environment.clock());
        let answer = self.inner.call(request);
        Box::pin(async move {
            let stopped = if limit < remaining {
                Stopped::AttemptTimedOut(limit)
            } else {
                Stopped::DeadlineExceeded
            };
            let answer = environment.within(limit.min(remaining), answer).await;
            answer.unwrap_or_else(|| Err(stopped.into()))
        })
    }
}
