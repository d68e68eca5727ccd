use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use onecommit_environment::Environment;
use tower::Service;

use crate::exchange::{Exchanged, Step, Until};
use crate::trouble::Trouble;

/// Ends an attempt when its time is over, or when its caller stops waiting.
///
/// It stands within what counts failures: an instance that hangs has to count as one that fails, and a call that is dropped
/// from outside counts for nothing.
#[derive(Clone)]
pub(crate) struct AttemptLimit<S> {
    inner: S,
    limit: Option<Duration>,
    environment: Environment,
}

impl<S> AttemptLimit<S> {
    pub(crate) fn new(inner: S, limit: Option<Duration>, environment: Environment) -> Self {
        Self {
            inner,
            limit,
            environment,
        }
    }
}

impl<S: Step> Service<Request<Bytes>> for AttemptLimit<S> {
    type Response = Response<Bytes>;
    type Error = Trouble;
    type Future = Exchanged;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Trouble>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Bytes>) -> Exchanged {
        let until = request.extensions().get::<Until>().copied();
        let remaining = until.map_or(Duration::MAX, |until| until.remaining(&self.environment));
        let limit = self.limit.map_or(remaining, |limit| limit.min(remaining));
        if limit.is_zero() {
            return Box::pin(async move { Err(Trouble::TimedOut(limit)) });
        }
        let (answer, environment) = (self.inner.call(request), self.environment.clone());
        Box::pin(async move {
            let answer = environment.within(limit, answer).await;
            answer.unwrap_or(Err(Trouble::TimedOut(limit)))
        })
    }
}
