use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use onecommit_environment::Environment;
use onecommit_resilience::Deadline;
use tower::{Service, ServiceExt};

use crate::trouble::Trouble;

/// One step of a call, around the steps below it: a `tower` service with these types.
pub(crate) trait Step:
    Service<Request<Bytes>, Response = Response<Bytes>, Error = Trouble, Future: Send> + Clone + Send + Sync + 'static
{
}

impl<S> Step for S where
    S: Service<Request<Bytes>, Response = Response<Bytes>, Error = Trouble, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}

pub(crate) type Exchanged = BoxFuture<'static, Result<Response<Bytes>, Trouble>>;

/// All steps of a call, whatever they are.
pub(crate) trait Exchange: Send + Sync {
    fn exchange(&self, request: Request<Bytes>) -> Exchanged;
}

impl<S: Step> Exchange for S {
    fn exchange(&self, request: Request<Bytes>) -> Exchanged {
        Box::pin(self.clone().oneshot(request))
    }
}

/// In a request's extensions: when the caller stops waiting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Until {
    pub(crate) deadline: Deadline,
    /// The whole time, for errors.
    pub(crate) limit: Duration,
}

impl Until {
    pub(crate) fn remaining(&self, environment: &Environment) -> Duration {
        self.deadline.remaining(environment.clock())
    }
}

/// In a request's extensions: the number of its attempt, which the caller sees too.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attempts {
    number: u32,
    made: Arc<AtomicU32>,
}

impl Attempts {
    pub(crate) fn begin(&mut self, number: u32) {
        self.number = number;
        self.made.fetch_add(1, Ordering::Relaxed);
    }

    /// The number of this request's attempt, 1 for the first.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    /// How many attempts were made, over all clones of the request.
    pub(crate) fn made(&self) -> u32 {
        self.made.load(Ordering::Relaxed)
    }
}
