//! Waiting for what is to come.

use std::fmt::Debug;
use std::future::Future;

use onecommit_testing::{Patience, await_until};

/// Looks until what it sees is as wanted.
///
/// # Panics
/// When that does not come: with what was awaited, and what was seen last.
pub(crate) async fn eventually<T: Debug, Look: Future<Output = T>>(
    awaited: &str,
    look: impl FnMut() -> Look,
    wanted: impl Fn(&T) -> bool,
) -> T {
    eventually_within(Patience::default(), awaited, look, wanted).await
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
