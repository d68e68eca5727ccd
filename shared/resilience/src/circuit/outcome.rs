use std::time::Duration;

use crate::failure::{Classify, Failure};

/// What a call says of its downstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It works: it answered, also if it refused the request.
    Works,
    /// It works, slowly.
    Slow,
    /// It does not work.
    Fails,
    /// Nothing: it was throttled, not called, or the call was dropped.
    Unknown,
}

impl Outcome {
    /// What this result of a call says that took so long.
    pub fn of<T, E: Classify>(result: &Result<T, E>, took: Duration, slow_after: Duration) -> Self {
        match result.as_ref().map_err(Classify::failure) {
            Err(failure) if failure.is_fault() => Self::Fails,
            Err(Failure::Throttled(_) | Failure::NotTried) => Self::Unknown,
            Ok(_) | Err(_) if took >= slow_after => Self::Slow,
            Ok(_) | Err(_) => Self::Works,
        }
    }
}
