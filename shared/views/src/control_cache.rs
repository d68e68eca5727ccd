use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use onecommit_environment::{Clock, Timestamp};

use crate::control::{ControlError, Known, ViewControl};

/// What a process knows of the control rows, read again when it is older than the refresh time.
pub(crate) struct ControlCache {
    control: ViewControl,
    refresh: Duration,
    latest: Mutex<Option<Reading>>,
}

#[derive(Clone)]
struct Reading {
    known: Arc<Known>,
    /// Before the request left: what it tells is at least as new.
    asked: Moment,
}

/// A moment on both clocks. A function that was frozen between two invocations may find that the one or the other of
/// them stood still, or jumped; whichever says that more time has passed is believed.
#[derive(Clone, Copy)]
struct Moment {
    instant: Instant,
    wall: Timestamp,
}

impl Moment {
    fn now(clock: &dyn Clock) -> Self {
        Self {
            instant: clock.instant(),
            wall: clock.now(),
        }
    }

    fn is_within(self, now: Self, duration: Duration) -> bool {
        let ran_backwards = now.wall < self.wall;
        let elapsed = now.instant.saturating_duration_since(self.instant);
        !ran_backwards && elapsed.max(now.wall.since(self.wall)) < duration
    }
}

impl ControlCache {
    pub(crate) fn new(control: ViewControl, refresh: Duration) -> Self {
        Self {
            control,
            refresh,
            latest: Mutex::default(),
        }
    }

    /// What is known, and whether it was read just now.
    pub(crate) async fn get(&self) -> Result<(Arc<Known>, bool), ControlError> {
        let now = Moment::now(self.control.environment().clock());
        if let Some(reading) = &*self.latest.lock().unwrap_or_else(PoisonError::into_inner)
            && reading.asked.is_within(now, self.refresh)
        {
            return Ok((Arc::clone(&reading.known), false));
        }
        let known = Arc::new(self.control.known().await?);
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        *latest = Some(Reading {
            known: Arc::clone(&known),
            asked: now,
        });
        Ok((known, true))
    }

    pub(crate) fn control(&self) -> &ViewControl {
        &self.control
    }
}
