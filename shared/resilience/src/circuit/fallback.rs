use std::future::Future;
use std::time::Duration;

use super::handle::Circuit;
use crate::failure::{Classify, Stopped};

/// An answer, and where it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered<T> {
    /// From the downstream.
    Fresh(T),
    /// From a cache, so old.
    Stale(T, Duration),
    /// A value that does instead.
    Default(T),
    /// Not yet: the request was queued as a command, and will be made when the downstream works again (HTTP 202).
    Queued,
}

impl Circuit {
    /// As [`Circuit::call`], with something else to answer when the downstream does not work: also while the circuit is open, when it
    /// is not even asked. `fallback` is given the error, and may have nothing to answer either; a request that the
    /// downstream refused keeps its error.
    ///
    /// # Errors
    /// The call's, when there is no fallback for it.
    pub async fn call_or<T, E, F, G>(
        &self,
        call: impl FnOnce() -> F,
        fallback: impl FnOnce(&E) -> G,
    ) -> Result<Answered<T>, E>
    where
        E: Classify + From<Stopped>,
        F: Future<Output = Result<T, E>>,
        G: Future<Output = Option<Answered<T>>>,
    {
        let error = match self.call(call).await {
            Ok(answer) => return Ok(Answered::Fresh(answer)),
            Err(error) => error,
        };
        if !error.failure().does_not_serve() {
            return Err(error);
        }
        fallback(&error).await.ok_or(error)
    }
}
