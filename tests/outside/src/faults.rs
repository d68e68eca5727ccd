use std::collections::VecDeque;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use crate::{KEY, Outside};

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// 503, and nothing was done.
    Unavailable,
    /// 500, and it was done.
    DoneButError,
    /// The answer breaks off, and it was done.
    DoneButCut,
    /// 200 with a page of HTML, and nothing was done.
    Page,
    /// A body of 5 MB.
    Flood,
    /// No answer within a minute, and it was done.
    DoneButSilent,
    /// A redirect to somewhere else.
    Redirect,
    /// 429 with `Retry-After`.
    Throttled,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::None,
        Self::Unavailable,
        Self::DoneButError,
        Self::DoneButCut,
        Self::Page,
        Self::Flood,
        Self::DoneButSilent,
        Self::Redirect,
        Self::Throttled,
    ];

    /// The fault of this name, as `PUT /control/faults` has it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| format!("{fault:?}") == name)
    }
}

#[derive(Default)]
pub(crate) struct Faults {
    pub(crate) next: VecDeque<Fault>,
    pub(crate) requests: u64,
}

/// Checks the key, and lets the next fault strike.
pub(crate) async fn strike(State(outside): State<Outside>, request: Request, next: Next) -> Response {
    let fault = {
        let mut state = outside.state();
        state.faults.requests += 1;
        state.faults.next.pop_front().unwrap_or(Fault::None)
    };
    let key = request.headers().get("x-api-key").and_then(|key| key.to_str().ok());
    if key != Some(KEY) {
        return (StatusCode::UNAUTHORIZED, "no key").into_response();
    }
    match fault {
        Fault::None => next.run(request).await,
        Fault::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "down").into_response(),
        Fault::DoneButError => {
            next.run(request).await;
            (StatusCode::INTERNAL_SERVER_ERROR, "oops").into_response()
        }
        Fault::DoneButCut => {
            next.run(request).await;
            let parts = [Ok(Bytes::from_static(b"{\"id\"")), Err(std::io::Error::other("cut"))];
            Body::from_stream(stream::iter(parts)).into_response()
        }
        Fault::Page => ([("content-type", "text/html")], "<html>maintenance</html>").into_response(),
        Fault::Flood => ([("content-type", "application/json")], vec![b' '; 5_000_000]).into_response(),
        Fault::DoneButSilent => {
            next.run(request).await;
            tokio::time::sleep(Duration::from_secs(60)).await;
            StatusCode::GATEWAY_TIMEOUT.into_response()
        }
        Fault::Redirect => (StatusCode::FOUND, [("location", "http://169.254.169.254/latest")], "").into_response(),
        Fault::Throttled => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")], "slow down").into_response(),
    }
}
