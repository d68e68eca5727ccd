use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use tower::{Service, ServiceExt};

use crate::trouble::Cause;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// An answer's body as it arrives.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;

/// Why a transport has no answer. A service of another error is taken to have sent the request.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TransportError {
    /// The request did not leave.
    #[error("the request did not leave")]
    NeverSent(#[source] Cause),
    /// It left, or part of it.
    #[error("the connection ended before the answer")]
    Broken(#[source] Cause),
}

/// What carries requests: every `tower` service of `http` requests, such as an `axum::Router` in a test.
pub trait Transport: Send + Sync {
    /// Sends one request.
    fn send(&self, request: Request<Full<Bytes>>) -> BoxFuture<'static, Result<Response<Body>, TransportError>>;
}

impl<S, B> Transport for S
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn send(&self, request: Request<Full<Bytes>>) -> BoxFuture<'static, Result<Response<Body>, TransportError>> {
        let service = self.clone();
        Box::pin(async move {
            let answer = service.oneshot(request).await.map_err(|error| typed(error.into()))?;
            Ok(answer.map(|body| body.map_err(Into::into).boxed_unsync()))
        })
    }
}

fn typed(error: BoxError) -> TransportError {
    match error.downcast::<TransportError>() {
        Ok(known) => *known,
        Err(other) => TransportError::Broken(Arc::from(other)),
    }
}

/// A transport that is shared.
pub(crate) type Carrier = Arc<dyn Transport>;
