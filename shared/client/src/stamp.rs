use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderValue, Request};
use onecommit_environment::Environment;
use tower::{Service, ServiceExt};

use crate::exchange::{Attempts, Exchanged, Step, Until};
use crate::headers::{REQUEST_DEADLINE, RETRY_ATTEMPT};
use crate::identity::Identity;
use crate::trouble::Trouble;

/// Writes what differs between attempts: the deadline, the number of the attempt, and who is calling.
#[derive(Clone)]
pub(crate) struct Stamp<S> {
    inner: S,
    environment: Environment,
    identity: Option<Arc<dyn Identity>>,
}

impl<S> Stamp<S> {
    pub(crate) fn new(inner: S, environment: Environment, identity: Option<Arc<dyn Identity>>) -> Self {
        Self {
            inner,
            environment,
            identity,
        }
    }
}

impl<S: Step> Service<Request<Bytes>> for Stamp<S> {
    type Response = http::Response<Bytes>;
    type Error = Trouble;
    type Future = Exchanged;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Trouble>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Bytes>) -> Exchanged {
        let (inner, identity) = (self.inner.clone(), self.identity.clone());
        let environment = self.environment.clone();
        Box::pin(async move {
            if let Some(until) = request.extensions().get::<Until>() {
                let moment = environment.clock().now().plus(until.remaining(&environment));
                if let Ok(value) = HeaderValue::try_from(moment.to_string()) {
                    request.headers_mut().insert(REQUEST_DEADLINE, value);
                }
            }
            let (mut parts, body) = request.into_parts();
            if let Some(identity) = identity {
                let headers = identity.headers(&parts, &body).await;
                let headers = headers.map_err(|error| Trouble::Unidentified(Arc::from(error)))?;
                for (name, mut value) in headers {
                    value.set_sensitive(true);
                    parts.headers.insert(name, value);
                }
            }
            if let Some(number) = parts.extensions.get::<Attempts>().map(Attempts::number) {
                parts.headers.insert(RETRY_ATTEMPT, HeaderValue::from(number));
            }
            inner.oneshot(Request::from_parts(parts, body)).await
        })
    }
}
