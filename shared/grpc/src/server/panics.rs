//! Handlers that panic.

use std::panic::AssertUnwindSafe;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt;
use tonic::Code;
use tracing::error;

use crate::codes::refusal_with;

/// Makes a panic the end of its call alone.
pub(super) async fn caught(request: Request, next: Next) -> Response {
    let answering = AssertUnwindSafe(next.run(request)).catch_unwind();
    match answering.await {
        Ok(response) => response,
        Err(_) => {
            error!("a handler of gRPC panicked");
            refusal_with(
                Code::Internal,
                "internal",
                "the call failed; the log has the reason",
                None,
            )
            .into_http()
        }
    }
}
