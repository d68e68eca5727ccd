//! What codes mean, both ways: the one table that server and client stand on.

use std::collections::HashMap;
use std::time::Duration;

use onecommit_resilience::Failure;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The `domain` of a `google.rpc.ErrorInfo` that holds a code of this library's APIs as its `reason`.
pub const REASON_DOMAIN: &str = "onecommit";

/// What an answer's code means by what to do about it; `None` for `OK`. `retry_after` is what `google.rpc.RetryInfo` asked for.
#[must_use]
pub fn failure_of(code: Code, retry_after: Option<Duration>) -> Option<Failure> {
    match code {
        Code::Ok => None,
        // Busy says when to come again. What says no time means a quota, or a message that is too large: it would again.
        Code::ResourceExhausted => Some(match retry_after {
            Some(_) => Failure::Throttled(retry_after),
            None => Failure::Refused,
        }),
        // What HTTP answers 500 or 503: the downstream does not serve for now.
        Code::Unavailable | Code::Internal | Code::Unknown => Some(Failure::Unavailable(retry_after)),
        Code::DeadlineExceeded => Some(Failure::Timeout),
        // The other side ended the call; it may have taken effect.
        Code::Cancelled => Some(Failure::Reset),
        Code::DataLoss => Some(Failure::Unreadable),
        Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::Unauthenticated
        | Code::FailedPrecondition
        // What was read is not what is there: decide anew, one level up.
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unimplemented => Some(Failure::Refused),
    }
}

/// A refusal with its code for programs as `google.rpc.ErrorInfo`, and as `google.rpc.RetryInfo` when to call again.
#[must_use]
pub fn refusal_with(code: Code, reason: &str, message: &str, retry_after: Option<Duration>) -> Status {
    let mut details = ErrorDetails::new();
    if !reason.is_empty() {
        details.set_error_info(reason, REASON_DOMAIN, HashMap::new());
    }
    if retry_after.is_some() {
        details.set_retry_info(retry_after);
    }
    Status::with_error_details(code, message, details)
}

/// After this long, what could not be served now may be asked for again.
#[cfg(feature = "server")]
const AGAIN_AFTER: Duration = Duration::from_millis(100);

/// An error of an API as gRPC answers it: its status becomes a code, and its code the reason.
#[cfg(feature = "server")]
#[must_use]
pub fn status_of(error: &onecommit_http::ApiError) -> Status {
    let (code, retry_after) = match error.status().as_u16() {
        400 | 422 => (Code::InvalidArgument, None),
        401 => (Code::Unauthenticated, None),
        403 => (Code::PermissionDenied, None),
        404 => (Code::NotFound, None),
        409 => (Code::AlreadyExists, None),
        412 | 428 => (Code::FailedPrecondition, None),
        429 => (Code::ResourceExhausted, Some(AGAIN_AFTER)),
        501 => (Code::Unimplemented, None),
        503 => (Code::Unavailable, Some(AGAIN_AFTER)),
        504 => (Code::DeadlineExceeded, None),
        500.. => (Code::Internal, None),
        _ => (Code::FailedPrecondition, None),
    };
    refusal_with(code, error.code(), error.message(), retry_after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_means_something_to_do() {
        let after = Some(Duration::from_secs(7));
        for (code, failure) in [
            (Code::Ok, None),
            (Code::Cancelled, Some(Failure::Reset)),
            (Code::Unknown, Some(Failure::Unavailable(after))),
            (Code::InvalidArgument, Some(Failure::Refused)),
            (Code::DeadlineExceeded, Some(Failure::Timeout)),
            (Code::NotFound, Some(Failure::Refused)),
            (Code::AlreadyExists, Some(Failure::Refused)),
            (Code::PermissionDenied, Some(Failure::Refused)),
            (Code::ResourceExhausted, Some(Failure::Throttled(after))),
            (Code::FailedPrecondition, Some(Failure::Refused)),
            (Code::Aborted, Some(Failure::Refused)),
            (Code::OutOfRange, Some(Failure::Refused)),
            (Code::Unimplemented, Some(Failure::Refused)),
            (Code::Internal, Some(Failure::Unavailable(after))),
            (Code::Unavailable, Some(Failure::Unavailable(after))),
            (Code::DataLoss, Some(Failure::Unreadable)),
            (Code::Unauthenticated, Some(Failure::Refused)),
        ] {
            assert_eq!(failure_of(code, after), failure, "{code:?}");
        }
        assert_eq!(failure_of(Code::ResourceExhausted, None), Some(Failure::Refused));
    }

    #[cfg(feature = "server")]
    #[test]
    fn an_api_error_keeps_its_code_as_the_reason() {
        use axum::http::StatusCode;
        use onecommit_http::ApiError;

        for (http, code) in [
            (400, Code::InvalidArgument),
            (401, Code::Unauthenticated),
            (403, Code::PermissionDenied),
            (404, Code::NotFound),
            (409, Code::AlreadyExists),
            (412, Code::FailedPrecondition),
            (422, Code::InvalidArgument),
            (429, Code::ResourceExhausted),
            (500, Code::Internal),
            (503, Code::Unavailable),
            (504, Code::DeadlineExceeded),
        ] {
            let error = ApiError::new(StatusCode::from_u16(http).unwrap(), "someCode", "some words");
            let status = status_of(&error);
            assert_eq!((status.code(), status.message()), (code, "some words"), "{http}");
            let info = status.get_details_error_info().unwrap();
            assert_eq!((&*info.reason, &*info.domain), ("someCode", REASON_DOMAIN));
            let asks = status.get_details_retry_info().is_some();
            assert_eq!(asks, [429, 503].contains(&http), "{http}");
        }
    }
}
