use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{HeaderValue, RETRY_AFTER};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use onecommit_resilience::{Admission, RateLimit, RateLimits};

use crate::caller::Caller;
use crate::error::ApiError;

/// The router, with each [`Caller`] held to its rate over all processes; requests without one pass.
///
/// It is counted here and not where callers are known: an authorizer's answer is kept, so it does not see each request.
/// Tokens are leased, so a request is seldom a request to the table, too. What is too much is 429 with `Retry-After`.
pub fn limited(router: Router, limits: RateLimits) -> Router {
    router.layer(from_fn_with_state(limits, limit))
}

async fn limit(State(limits): State<RateLimits>, request: Request, next: Next) -> Response {
    let Some(caller) = request.extensions().get::<Caller>() else {
        return next.run(request).await;
    };
    // A minute is a period that can be kept, and so is any rate of 32 bits.
    let Ok(rate) = RateLimit::per_minute(u64::from(caller.requests_per_minute)) else {
        return ApiError::internal().into_response();
    };
    match limits.admit(&caller.key_id, rate).await {
        Admission::Admitted => next.run(request).await,
        Admission::Limited(wait) => {
            let message = "the API key has made as many requests as it may in a minute; wait as Retry-After says";
            let refused = ApiError::new(StatusCode::TOO_MANY_REQUESTS, "tooManyRequests", message);
            let mut response = refused.into_response();
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
            response
        }
    }
}
