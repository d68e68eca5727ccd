//! An environment on virtual time, and an error as a caller would have it.

use std::sync::Arc;

use onecommit_environment::{Environment, SeededRandom, Timestamp};
use onecommit_resilience::{Classify, Failure, Stopped};
use onecommit_testing::VirtualClock;

/// Time that jumps ahead whenever everything waits, and the same numbers on every run.
pub(crate) fn virtual_environment() -> Environment {
    let clock = VirtualClock::showing(Timestamp::from_unix_ms(1_800_000_000_000));
    Environment::new(Arc::new(clock), Arc::new(SeededRandom::new(7)))
}

/// An error as a caller would have it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Trouble {
    Downstream(Failure),
    Stopped(Stopped),
}

impl Classify for Trouble {
    fn failure(&self) -> Failure {
        match self {
            Self::Downstream(failure) => *failure,
            Self::Stopped(stopped) => stopped.failure(),
        }
    }
}

impl From<Stopped> for Trouble {
    fn from(stopped: Stopped) -> Self {
        Self::Stopped(stopped)
    }
}
