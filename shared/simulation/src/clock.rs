//! The clock of a process in a simulated world.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use onecommit_environment::{Clock, Timestamp};

use super::core::{Core, Who};
use super::time::timestamp_at;

pub(crate) struct SimulatedClock {
    pub(crate) core: Arc<Core>,
    pub(crate) who: Who,
}

#[async_trait]
impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        let state = self.core.lock();
        let offset_ms = state.clock_offsets_ms.get(self.who.process).copied().unwrap_or(0);
        let offset_ms = offset_ms + state.outage_offset_ms(self.who.process);
        Timestamp::from_unix_ms(timestamp_at(state.now).unix_ms() + offset_ms)
    }

    fn instant(&self) -> Instant {
        static BEGINNING: OnceLock<Instant> = OnceLock::new();
        *BEGINNING.get_or_init(Instant::now) + self.core.lock().now
    }

    async fn sleep(&self, duration: Duration) {
        self.core.sleep(self.who, duration, false).await;
    }
}
