use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use onecommit_engine::{Delivery, Engine, Queue};
use tokio::sync::{RwLock, mpsc};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::in_flight::InFlight;
use crate::monitor::{self, Monitor};
use crate::numbers::{Counters, Totals};
use crate::room::Room;
use crate::settings::Settings;
use crate::shared::Shared;
use crate::source::{Receipt, Source};
use crate::{heartbeat, receiving, settling};

/// Handles the messages of a queue until it is asked to end.
pub struct Worker {
    shared: Arc<Shared>,
}

/// How a worker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Messages that were still in flight when the time to drain was over. They were made visible again at once;
    /// those whose commit had succeeded are absorbed when they are redelivered.
    pub given_up: usize,
}

impl Worker {
    /// A worker that takes messages from `source`, has `engine` handle them, and parks and delays through `queue`.
    #[must_use]
    pub fn new(engine: Engine, source: Arc<dyn Source>, queue: Arc<dyn Queue>, settings: Settings) -> Self {
        let shared = Shared {
            engine,
            source,
            queue,
            room: Room::for_messages(settings.in_flight_max),
            settings,
            in_flight: InFlight::default(),
            counters: Counters::default(),
            totals: Totals::default(),
            visibility_turn: RwLock::default(),
            stop: CancellationToken::new(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Looks at the worker from outside, also while it runs.
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        Monitor::new(Arc::clone(&self.shared))
    }

    /// Works until `shutdown`, then drains: it receives nothing more, finishes what has been started, and gives back
    /// at once what has not. Trouble with the queue is logged and waited out; it never ends a worker.
    ///
    /// # Panics
    /// When a task of the worker itself panicked. A handler that panics only fails its message.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) -> Drained {
        let mut background = JoinSet::new();
        background.spawn(heartbeat::run(Arc::clone(&self.shared)));
        background.spawn(monitor::report_regularly(Arc::clone(&self.shared)));
        let mut crew = self.start();
        let settings = &self.shared.settings;
        info!(
            consumer = self.shared.engine.name(),
            loops = settings.receive_loops,
            in_flight_max = settings.in_flight_max,
            "worker started"
        );
        tokio::select! {
            // Nobody ends before the shutdown but by a panic.
            ended = crew.join_next() => pass_on(ended),
            ended = background.join_next() => pass_on(ended),
            () = shutdown => {}
        }
        let drained = self.drain(&mut crew).await;
        background.shutdown().await;
        monitor::report(&self.shared);
        drained
    }

    fn start(&self) -> JoinSet<()> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut crew = JoinSet::new();
        for _ in 0..self.shared.settings.receive_loops.max(1) {
            crew.spawn(receiving::run(Arc::clone(&self.shared), sender.clone()));
        }
        crew.spawn(settling::run(Arc::clone(&self.shared), receiver));
        crew
    }

    async fn drain(&self, crew: &mut JoinSet<()>) -> Drained {
        let Shared {
            engine,
            stop,
            settings,
            in_flight,
            counters,
            ..
        } = &*self.shared;
        info!(in_flight = in_flight.count(), "worker is draining");
        counters.drain();
        engine.stop_starting();
        stop.cancel();
        let finished = async {
            while let Some(ended) = crew.join_next().await {
                pass_on(Some(ended));
            }
        };
        let too_long = engine.environment().clock().sleep(settings.drain_timeout);
        let is_finished = matches!(select(std::pin::pin!(finished), too_long).await, Either::Left(_));
        let left = in_flight.take_all();
        if !is_finished {
            crew.abort_all();
        }
        self.give_back(&left).await;
        info!(given_up = left.len(), "worker drained");
        Drained { given_up: left.len() }
    }

    async fn give_back(&self, receipts: &[Receipt]) {
        if receipts.is_empty() {
            return;
        }
        warn!(
            count = receipts.len(),
            "messages were not finished in time and will be redelivered"
        );
        let _turn = self.shared.visibility_turn.read().await;
        let deliveries: Vec<Delivery> = receipts.iter().map(Receipt::to_delivery).collect();
        let at_once: Vec<_> = deliveries.iter().map(|delivery| (delivery, Duration::ZERO)).collect();
        let giving_back = self.shared.queue.delay(&at_once);
        let Some(results) = self.shared.in_time(giving_back, self.shared.request_time_max()).await else {
            warn!(
                "messages could not be returned: the queue did not answer; they will be redelivered when their visibility timeout ends"
            );
            return;
        };
        for (receipt, result) in receipts.iter().zip(results) {
            if let Err(problem) = result {
                let id = &receipt.message_id;
                warn!(message.id = id, problem = %problem, "message could not be returned; it will be redelivered when its visibility timeout ends");
            }
        }
    }
}

/// A worker that lost a part of itself would seem to live and do nothing: better it ends, and is started again.
fn pass_on(ended: Option<Result<(), JoinError>>) {
    if let Some(Err(error)) = ended
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}
