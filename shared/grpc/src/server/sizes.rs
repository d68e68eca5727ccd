//! Messages that are too large.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderValue;
use tonic::{Code, Status};

use super::bounded::GRPC_STATUS;
use crate::codes::refusal_with;

/// How the decoder's words for such a message begin. It refuses by the length that is announced, before anything is kept.
const TOO_LARGE: &str = "Error, decoded message length too large";

/// Answers them with the code that other implementations have for it: `OUT_OF_RANGE`, as the decoder says, is for callers who read
/// past the end of something.
pub(super) async fn too_large(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let out_of_range = HeaderValue::from(i32::from(Code::OutOfRange));
    if response.headers().get(GRPC_STATUS) != Some(&out_of_range) {
        return response;
    }
    let status = Status::from_header_map(response.headers());
    match status.is_some_and(|status| status.message().starts_with(TOO_LARGE)) {
        true => {
            let message = "the message is larger than this service takes";
            refusal_with(Code::ResourceExhausted, "messageTooLarge", message, None).into_http()
        }
        false => response,
    }
}
