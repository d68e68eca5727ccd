//! For tests: a clock that stands still, and randomness that always draws the same.

use std::time::{Duration, Instant};

use onecommit_environment::{Clock, Random, Timestamp};

/// A clock that shows these two.
pub(crate) struct Stopped(pub(crate) Timestamp, pub(crate) Instant);

#[async_trait::async_trait]
impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn instant(&self) -> Instant {
        self.1
    }

    async fn sleep(&self, _: Duration) {}
}

/// Draws the lowest number, or the highest.
pub(crate) enum Drawn {
    Lowest,
    Highest,
}

impl Random for Drawn {
    fn bits(&self) -> u64 {
        match self {
            Self::Lowest => 0,
            Self::Highest => u64::MAX,
        }
    }
}
