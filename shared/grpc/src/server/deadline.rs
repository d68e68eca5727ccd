//! When a call's time is over.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt;
use http::HeaderMap;
use onecommit_environment::Environment;
use onecommit_resilience::Deadline;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};

use super::bounded::{Bounded, GRPC_STATUS};
use super::protocol::is_health;
use crate::codes::refusal_with;

const GRPC_TIMEOUT: &str = "grpc-timeout";

#[derive(Clone)]
pub(super) struct Deadlines {
    pub(super) call_within: Duration,
    pub(super) environment: Environment,
    /// Cancelled, it ends what would not end by itself.
    pub(super) ending: CancellationToken,
}

/// Drops a call when its time is over, before its answer or within; a handler finds the [`Deadline`] among the extensions.
pub(super) async fn in_time(State(deadlines): State<Deadlines>, mut request: Request, next: Next) -> Response {
    let Deadlines {
        call_within,
        environment,
        ending,
    } = deadlines;
    let asked = match timeout_in(request.headers()) {
        Ok(asked) => asked,
        Err(status) => return status.into_http(),
    };
    // Whoever watches the health does so until it ends.
    let is_watch = is_health(&request) && asked.is_none();
    let limit = asked.unwrap_or(Duration::MAX).min(call_within);
    let deadline = Deadline::after(limit, environment.clock());
    request.extensions_mut().insert(deadline);
    let Some(response) = environment.within(limit, next.run(request)).await else {
        return too_late(limit).into_http();
    };
    if response.headers().contains_key(GRPC_STATUS) {
        return response;
    }
    if is_watch {
        let end = async move {
            ending.cancelled().await;
            refusal_with(Code::Unavailable, "draining", "this process is about to end", None)
        };
        return response.map(|body| Bounded::finishing(body, end.boxed(), ()));
    }
    let end = async move {
        let remaining = deadline.remaining(environment.clock());
        environment.clock().sleep(remaining).await;
        too_late(limit)
    };
    response.map(|body| Bounded::body(body, end.boxed(), ()))
}

fn too_late(limit: Duration) -> Status {
    let message = format!("there was no answer within {} ms", limit.as_millis());
    refusal_with(Code::DeadlineExceeded, "deadlineExceeded", &message, None)
}

/// What the caller asks for: at most eight digits and a unit
/// (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>).
fn timeout_in(headers: &HeaderMap) -> Result<Option<Duration>, Status> {
    let Some(value) = headers.get(GRPC_TIMEOUT) else {
        return Ok(None);
    };
    let read = value.to_str().ok().and_then(timeout_of);
    let wrong = "grpc-timeout has to be 1 to 8 digits and one of H, M, S, m, u, n";
    read.map(Some)
        .ok_or_else(|| refusal_with(Code::InvalidArgument, "invalidTimeout", wrong, None))
}

fn timeout_of(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if !(1..=8).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3_600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_read_as_the_protocol_writes_it() {
        for (text, timeout) in [
            ("800m", Some(Duration::from_millis(800))),
            ("0S", Some(Duration::ZERO)),
            ("99999999H", Some(Duration::from_secs(99_999_999 * 3_600))),
            ("1u", Some(Duration::from_micros(1))),
            ("7n", Some(Duration::from_nanos(7))),
            ("2M", Some(Duration::from_secs(120))),
            ("", None),
            ("m", None),
            ("5", None),
            ("-1S", None),
            ("+1S", None),
            ("1.5S", None),
            ("123456789m", None),
            ("1µ", None),
            ("1 S", None),
        ] {
            assert_eq!(timeout_of(text), timeout, "{text:?}");
        }
    }
}
