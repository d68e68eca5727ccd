use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use onecommit_client::TransportError;
use tonic::body::Body;
use tower::{Service, ServiceExt};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What carries calls: every `tower` service of `http` requests that answers with trailers, such as a router in a test. An error
/// that is not a [`TransportError`] is taken to have sent the request.
pub trait GrpcTransport: Send + Sync {
    /// Sends one call.
    fn send(&self, request: Request<Body>) -> BoxFuture<'static, Result<Response<Body>, TransportError>>;
}

impl<S, B> GrpcTransport for S
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Into<BoxError>,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    fn send(&self, request: Request<Body>) -> BoxFuture<'static, Result<Response<Body>, TransportError>> {
        let service = self.clone();
        Box::pin(async move {
            let answer = service.oneshot(request).await.map_err(|error| typed(error.into()))?;
            Ok(answer.map(Body::new))
        })
    }
}

fn typed(error: BoxError) -> TransportError {
    match error.downcast::<TransportError>() {
        Ok(known) => *known,
        Err(other) => TransportError::Broken(Arc::from(other)),
    }
}
