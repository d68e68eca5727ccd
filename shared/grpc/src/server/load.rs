//! No more calls than the process takes.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt;
use futures_util::future::pending;
use onecommit_resilience::Bulkhead;
use tonic::Code;

use super::bounded::Bounded;
use super::protocol::is_health;
use crate::codes::refusal_with;

/// After this long, whoever was refused may ask again.
const AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Gives each call a place until its answer has ended. The health has no need of one: a process that is busy is well.
pub(super) async fn placed(State(places): State<Bulkhead>, request: Request, next: Next) -> Response {
    if is_health(&request) {
        return next.run(request).await;
    }
    let Ok(place) = places.enter().await else {
        let message = "this process has as many calls at work as it takes; send the same call again";
        return refusal_with(Code::ResourceExhausted, "tooManyCalls", message, Some(AGAIN_AFTER)).into_http();
    };
    let response = next.run(request).await;
    response.map(|body| Bounded::body(body, pending().boxed(), place))
}
