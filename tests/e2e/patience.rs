//! Waiting for what is to come.

use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

use onecommit_testing::{Patience, await_until};

/// All cases run beside each other on one machine, which may have other work too, and some of them kill functions. What is
/// awaited is taken as soon as it is there: patience costs time only in a run that fails.
const PATIENCE: Patience = Patience {
    at_most: Duration::from_secs(600),
    between_looks: Duration::from_millis(50),
};

/// Between two attempts at a request.
pub(crate) const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(200);

/// Looks until what it sees is as wanted.
///
/// # Panics
/// When that does not come: with what was awaited, and what was seen last.
pub(crate) async fn eventually<T: Debug, Look: Future<Output = T>>(
    awaited: &str,
    look: impl FnMut() -> Look,
    wanted: impl Fn(&T) -> bool,
) -> T {
    eventually_within(PATIENCE, awaited, look, wanted).await
}

/// Looks for as long as patience lasts until what it sees is as wanted.
///
/// # Panics
/// When that does not come: with what was awaited, and what was seen last.
pub(crate) async fn eventually_within<T: Debug, Look: Future<Output = T>>(
    patience: Patience,
    awaited: &str,
    look: impl FnMut() -> Look,
    wanted: impl Fn(&T) -> bool,
) -> T {
    match await_until(patience, look, wanted).await {
        Ok(seen) => seen,
        Err(seen) => panic!("waited in vain for {awaited}; seen last: {seen:?}"),
    }
}

/// Looks until there is something.
pub(crate) async fn eventually_some<T: Debug, Look: Future<Output = Option<T>>>(
    awaited: &str,
    look: impl FnMut() -> Look,
) -> T {
    eventually(awaited, look, Option::is_some)
        .await
        .expect("it was waited for")
}

/// Between two attempts at a request that holds up its thread, too.
#[allow(
    clippy::disallowed_methods,
    reason = "what a blocking request waits for, its thread may wait for"
)]
pub(crate) fn pause() {
    std::thread::sleep(BETWEEN_ATTEMPTS);
}
