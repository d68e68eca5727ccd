use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use onecommit_environment::Environment;
use onecommit_resilience::layers::Describe;
use onecommit_resilience::{Deadline, Retries};
use tower::{Service, ServiceExt};

use crate::describe::Requests;
use crate::exchange::{Attempts, Exchanged, Step, Until};
use crate::traces;
use crate::trouble::Trouble;

/// The least time that an attempt has over the caller's, to say itself that its time is over.
const GRACE: Duration = Duration::from_millis(2);

/// Sends a request again when that is worth it and safe, and ends the call when its caller stops waiting.
#[derive(Clone)]
pub(crate) struct Retried<S> {
    inner: S,
    retries: Retries,
    environment: Environment,
}

impl<S> Retried<S> {
    pub(crate) fn new(inner: S, retries: Retries, environment: Environment) -> Self {
        Self {
            inner,
            retries,
            environment,
        }
    }
}

impl<S: Step> Service<Request<Bytes>> for Retried<S> {
    type Response = Response<Bytes>;
    type Error = Trouble;
    type Future = Exchanged;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Trouble>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Exchanged {
        let Self {
            inner,
            retries,
            environment,
        } = self.clone();
        Box::pin(async move {
            let until = request.extensions().get::<Until>().copied();
            let deadline = until.map_or_else(Deadline::none, |until| {
                Deadline::after(until.remaining(&environment) + GRACE, environment.clock())
            });
            let repetition = Requests.repetition(&request);
            let answer = retries.run(deadline, repetition, |attempt| {
                let mut request = request.clone();
                let attempts = request.extensions_mut().get_or_insert_default::<Attempts>();
                attempts.begin(attempt);
                traces::attempt(attempt);
                inner.clone().oneshot(request)
            });
            answer.await.map_err(|trouble| match (trouble, until) {
                // The time of the last attempt says less than that of the whole call.
                (Trouble::TimedOut(_), Some(until)) if until.remaining(&environment).is_zero() => {
                    Trouble::TimedOut(until.limit)
                }
                (trouble, _) => trouble,
            })
        })
    }
}
