//! What is spoken here.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode, Version};
use onecommit_http::ApiError;

/// Services that platforms ask without a credential, and watch for as long as they like.
const HEALTH: &str = "/grpc.health.v1.Health/";

pub(super) fn is_health(request: &Request) -> bool {
    request.uri().path().starts_with(HEALTH)
}

/// Lets gRPC through. A caller that speaks something else is told so in a way that its people can read.
pub(super) async fn grpc_only(request: Request, next: Next) -> Response {
    if request.version() != Version::HTTP_2 {
        let message = "gRPC needs HTTP/2; what is in between has to pass HTTP/2 on, with prior knowledge or by ALPN";
        return ApiError::new(StatusCode::HTTP_VERSION_NOT_SUPPORTED, "http2Only", message).into_response();
    }
    let kind = request.headers().get(CONTENT_TYPE);
    let is_grpc = kind.is_some_and(|kind| {
        let rest = kind.as_bytes().strip_prefix(b"application/grpc");
        rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
    });
    if !is_grpc {
        let message = "calls are of the type application/grpc";
        return ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "grpcOnly", message).into_response();
    }
    if request.method() != Method::POST {
        let error = ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "postOnly", "calls are sent by POST");
        let mut response = error.into_response();
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return response;
    }
    next.run(request).await
}
