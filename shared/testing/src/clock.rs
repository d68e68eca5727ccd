use std::time::{Duration, Instant};

use async_trait::async_trait;
use onecommit_environment::{Clock, Timestamp};

/// A clock that runs on tokio's time: paused in a test, it jumps ahead whenever everything waits.
#[derive(Clone, Copy, Debug)]
pub struct VirtualClock {
    started: tokio::time::Instant,
    started_at: Timestamp,
}

impl VirtualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn showing(now: Timestamp) -> Self {
        Self {
            started: tokio::time::Instant::now(),
            started_at: now,
        }
    }
}

#[async_trait]
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.started_at.plus(self.started.elapsed())
    }

    fn instant(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
