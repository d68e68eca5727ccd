//! What the tasks of a worker share.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use onecommit_engine::{Engine, Queue};
use onecommit_environment::Environment;
use tokio::sync::RwLock;
use tokio_util::sync::CancellationToken;

use crate::in_flight::InFlight;
use crate::numbers::{Counters, Totals};
use crate::room::Room;
use crate::settings::Settings;
use crate::source::Source;

/// Four beats to a visibility timeout. A beat extends what it finds that was not extended within the last one, so each
/// message before half of its time has passed; should that fail, the next beat tries again, still in time.
const BEATS: u32 = 4;

/// The engine, the queue and the state of one worker.
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) source: Arc<dyn Source>,
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) settings: Settings,
    pub(crate) room: Room,
    pub(crate) in_flight: InFlight,
    pub(crate) counters: Counters,
    pub(crate) totals: Totals,
    /// Given back and delayed side by side, but never while the heartbeat hides messages.
    pub(crate) visibility_turn: RwLock<()>,
    pub(crate) stop: CancellationToken,
}

impl Shared {
    pub(crate) fn environment(&self) -> &Environment {
        self.engine.environment()
    }

    /// The time between two beats of the heartbeat.
    pub(crate) fn beat(&self) -> Duration {
        self.settings.visibility / BEATS
    }

    /// The longest wait for the queue to settle messages or to hide them for longer: a beat of the heartbeat, which such
    /// a request holds up.
    pub(crate) fn request_time_max(&self) -> Duration {
        self.beat()
    }

    /// What the queue answers in time. A queue that answers nothing must not keep the worker's places taken for ever.
    pub(crate) async fn in_time<T>(&self, request: impl Future<Output = T>, limit: Duration) -> Option<T> {
        let time_over = self.environment().clock().sleep(limit);
        match select(std::pin::pin!(request), time_over).await {
            Either::Left((answer, _)) => Some(answer),
            Either::Right(_) => None,
        }
    }
}
