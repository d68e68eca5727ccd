//! One layer retries: a mark that those inside of it see.

use std::future::Future;

tokio::task_local! {
    static ATTEMPT: u32;
}

/// The number of the attempt in whose course this code runs, 1 for the first; `None` when no retrying layer is around it.
#[must_use]
pub fn current_attempt() -> Option<u32> {
    ATTEMPT.try_with(|attempt| *attempt).ok()
}

/// Runs `work` as attempt number `attempt` of a layer that retries: every retrying layer inside of it makes one attempt
/// only.
///
/// [`crate::Retries`] does this by itself. A server calls it for a request whose header `X-Retry-Attempt` says that the
/// caller retries: three attempts of three attempts would be nine.
pub async fn as_attempt<T>(attempt: u32, work: impl Future<Output = T>) -> T {
    ATTEMPT.scope(attempt, work).await
}
