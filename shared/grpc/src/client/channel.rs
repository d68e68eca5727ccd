use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri};
use http_body::Frame;
use onecommit_client::{CallContext, Identity, RETRY_ATTEMPT, TransportError};
use onecommit_environment::Environment;
use onecommit_resilience::Deadline;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::Service;

use super::error::{GrpcRefusal, GrpcTrouble};
use super::transport::GrpcTransport;

const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
/// What the longest time of `grpc-timeout` in milliseconds has: eight digits.
const TIMEOUT_MS_MAX: u128 = 99_999_999;

/// One attempt of a call, as the generated client sends it: it writes what every attempt says of its caller, and notes what the
/// answer's code alone does not tell.
#[derive(Clone)]
pub struct Channel {
    pub(super) transport: Arc<dyn GrpcTransport>,
    pub(super) origin: (Scheme, Authority),
    pub(super) context: CallContext,
    pub(super) until: Deadline,
    pub(super) attempt: u32,
    pub(super) identity: Option<Arc<dyn Identity>>,
    pub(super) environment: Environment,
    pub(super) noted: Noted,
}

/// What became of one attempt.
#[derive(Clone, Default)]
pub(super) struct Noted {
    fault: Arc<OnceLock<GrpcTrouble>>,
    /// Whether the service itself said how the call ended.
    has_answered: Arc<AtomicBool>,
}

impl Noted {
    fn fails(&self, trouble: GrpcTrouble) {
        let _ = self.fault.set(trouble);
    }

    fn answered(&self) {
        self.has_answered.store(true, Ordering::Relaxed);
    }

    /// Why the attempt has failed, when generated code made this status of it.
    pub(super) fn trouble(&self, status: &Status) -> GrpcTrouble {
        if let Some(fault) = self.fault.get() {
            return fault.clone();
        }
        match self.has_answered.load(Ordering::Relaxed) {
            true => GrpcTrouble::Refused(GrpcRefusal::of(status)),
            // Nobody answered so: it is what reading the answer came to.
            false => GrpcTrouble::Unreadable,
        }
    }
}

impl Channel {
    async fn exchange(self, request: Request<Body>) -> Result<Response<Body>, GrpcTrouble> {
        let request = self.addressed(request)?;
        let request = self.stamped(request).await?;
        let answer = self.transport.send(request).await.map_err(|error| match error {
            TransportError::NeverSent(cause) => GrpcTrouble::NeverSent(cause),
            TransportError::Broken(cause) => GrpcTrouble::Broken(cause),
        })?;
        let is_grpc = answer
            .headers()
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
        if answer.status() == StatusCode::OK && !is_grpc {
            return Err(GrpcTrouble::NotGrpc(answer.status()));
        }
        // Of another status, a code is inferred, as the protocol says.
        if answer.status() != StatusCode::OK || answer.headers().contains_key(GRPC_STATUS) {
            self.noted.answered();
        }
        let noted = self.noted;
        Ok(answer.map(|inner| Body::new(Watched { inner, noted })))
    }

    fn addressed(&self, mut request: Request<Body>) -> Result<Request<Body>, GrpcTrouble> {
        let path = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
        let (scheme, authority) = self.origin.clone();
        let uri = Uri::builder().scheme(scheme).authority(authority).path_and_query(path);
        *request.uri_mut() = uri.build().map_err(|error| GrpcTrouble::NeverSent(Arc::new(error)))?;
        Ok(request)
    }

    /// With what the service is told of the call, and who calls.
    async fn stamped(&self, request: Request<Body>) -> Result<Request<Body>, GrpcTrouble> {
        let (mut parts, body) = request.into_parts();
        self.context.write(&mut parts.headers);
        let remaining = self.until.remaining(self.environment.clock());
        parts.headers.insert(GRPC_TIMEOUT, timeout(remaining));
        parts.headers.insert(RETRY_ATTEMPT, HeaderValue::from(self.attempt));
        if let Some(identity) = &self.identity {
            let headers = identity.headers(&parts, &[]).await;
            for (name, mut value) in headers.map_err(|error| GrpcTrouble::Unidentified(Arc::from(error)))? {
                value.set_sensitive(true);
                parts.headers.insert(name, value);
            }
        }
        Ok(Request::from_parts(parts, body))
    }
}

/// What is left, in whole milliseconds: rounded up, so that the caller's own limit is first.
fn timeout(remaining: Duration) -> HeaderValue {
    let milliseconds = remaining.as_micros().div_ceil(1_000).min(TIMEOUT_MS_MAX);
    HeaderValue::try_from(format!("{milliseconds}m")).unwrap_or(HeaderValue::from_static("0m"))
}

impl Service<Request<Body>> for Channel {
    type Response = Response<Body>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Response<Body>, Status>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (channel, noted) = (self.clone(), self.noted.clone());
        Box::pin(async move {
            channel.exchange(request).await.map_err(|trouble| {
                noted.fails(trouble);
                Status::new(Code::Unavailable, "the call was not answered")
            })
        })
    }
}

/// An answer's body, of which it is noted how it ends.
struct Watched {
    inner: Body,
    noted: Noted,
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        match &frame {
            Some(Ok(frame)) if frame.trailers_ref().is_some_and(says_how_it_ended) => self.noted.answered(),
            Some(Err(error)) => {
                let cause = Status::new(error.code(), error.message());
                self.noted.fails(GrpcTrouble::Broken(Arc::new(cause)));
            }
            _ => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }
}

fn says_how_it_ended(trailers: &HeaderMap) -> bool {
    trailers.contains_key(GRPC_STATUS)
}

impl fmt::Debug for Channel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Channel")
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_fits_into_its_header() {
        for (remaining, text) in [
            (Duration::ZERO, "0m"),
            (Duration::from_micros(1), "1m"),
            (Duration::from_millis(800), "800m"),
            (Duration::MAX, "99999999m"),
        ] {
            assert_eq!(timeout(remaining), text);
        }
    }
}
