use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;
use std::time::Duration;

use futures_util::FutureExt;
use onecommit_engine::{Deadline, Delivery, ParkReason, Queue, RetryReason, Settlement, Verdict};
use onecommit_environment::{Environment, SeededRandom};
use onecommit_event::Event;
use onecommit_publish::{Destination, Outgoing};
use onecommit_relay::{Outcome, Relay};

use super::batch_handler::BatchHandler;
use super::clock::SimulatedClock;
use super::core::{Core, Who};
use super::ports::{
    FinishStream, Outside, ReadStream, Sabotage, SimulatedBucket, SimulatedQueue, SimulatedTables, SimulatedTopic,
};

/// One run of a process in a simulated world. When it crashes, all it had in memory is gone, and it starts anew.
#[derive(Clone)]
pub struct Process {
    pub(crate) core: Arc<Core>,
    pub(crate) who: Who,
    pub(crate) environment: Environment,
    pub(crate) tables: Arc<SimulatedTables>,
    pub(crate) sabotage: Option<Arc<dyn Sabotage>>,
}

/// Makes the sabotage of each process that starts.
pub(crate) type MakeSabotage = Arc<dyn Fn(&Process) -> Arc<dyn Sabotage> + Send + Sync>;

impl Process {
    pub(crate) fn new(core: Arc<Core>, who: Who) -> Self {
        let clock = SimulatedClock {
            core: Arc::clone(&core),
            who,
        };
        let seed = (who.process as u64) << 32 | who.incarnation;
        let environment = Environment::new(Arc::new(clock), Arc::new(SeededRandom::new(seed)));
        let tables = Arc::new(SimulatedTables {
            core: Arc::clone(&core),
            who,
            sabotage: None,
        });
        Self {
            core,
            who,
            environment,
            tables,
            sabotage: None,
        }
    }

    /// With a sabotage between it and all it acts on. The sabotage itself acts directly.
    pub(crate) fn sabotaged_by(mut self, make: &MakeSabotage) -> Self {
        let sabotage = make(&self);
        self.tables = Arc::new(SimulatedTables {
            core: Arc::clone(&self.core),
            who: self.who,
            sabotage: Some(Arc::clone(&sabotage)),
        });
        self.sabotage = Some(sabotage);
        self
    }

    /// Its name in the world.
    #[must_use]
    pub fn name(&self) -> String {
        self.core.lock().names[self.who.process].clone()
    }

    /// Its clock and its randomness.
    #[must_use]
    pub fn environment(&self) -> Environment {
        self.environment.clone()
    }

    /// The tables.
    #[must_use]
    pub fn tables(&self) -> Arc<SimulatedTables> {
        Arc::clone(&self.tables)
    }

    /// A queue: to park and to delay what it delivered.
    #[must_use]
    pub fn queue(&self, name: &str) -> Arc<SimulatedQueue> {
        Arc::new(SimulatedQueue {
            core: Arc::clone(&self.core),
            who: self.who,
            sabotage: self.sabotage.clone(),
            name: name.to_owned(),
        })
    }

    /// A topic or a bus.
    #[must_use]
    pub fn topic(&self, name: &str) -> Arc<dyn Destination> {
        Arc::new(SimulatedTopic {
            core: Arc::clone(&self.core),
            who: self.who,
            sabotage: self.sabotage.clone(),
            name: name.to_owned(),
        })
    }

    /// A bucket of payloads that are too large for a message.
    #[must_use]
    pub fn bucket(&self, name: &str) -> Arc<SimulatedBucket> {
        Arc::new(SimulatedBucket {
            core: Arc::clone(&self.core),
            who: self.who,
            sabotage: self.sabotage.clone(),
            name: name.to_owned(),
        })
    }

    /// A system that is not ours.
    #[must_use]
    pub fn outside(&self, name: &str) -> Outside {
        Outside {
            core: Arc::clone(&self.core),
            who: self.who,
            sabotage: self.sabotage.clone(),
            name: name.to_owned(),
            limit: None,
        }
    }

    /// Which of its runs this is, from 1: one more after each crash.
    #[must_use]
    pub fn incarnation(&self) -> u64 {
        self.who.incarnation
    }

    /// Sends an event to a topic.
    ///
    /// # Errors
    /// When it is not known to have been taken.
    pub async fn publish(&self, topic: &str, event: Event) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let outgoing = Outgoing::from(event);
        match self.topic(topic).send(&[&outgoing]).await?.pop() {
            Some(Ok(_)) => Ok(()),
            Some(Err(refused)) => Err(refused.message.into()),
            None => Err("the topic did not answer".into()),
        }
    }

    /// A message arrives in a queue, from somebody whom no fault keeps from sending it.
    pub fn deliver(&self, queue: &str, body: String) {
        let mut state = self.core.lock();
        let now = state.now;
        state.backend.send(queue, body, None, now);
    }

    /// One of the ways `0..count` to go on, left to chance: the schedule decides, and a calm world takes the first.
    #[must_use]
    pub fn choose(&self, count: usize) -> usize {
        self.core.lock().choices.order(count)
    }

    /// Notes something down for whoever judges the world in the end: a note survives its process, as what somebody else
    /// was told does.
    pub fn note(&self, what: impl Into<String>) {
        self.core.lock().notes.push(what.into());
    }

    /// Says that something is wrong, whatever comes of it: the run ends here, and its promise is broken by this.
    pub fn defect(&self, what: impl Into<String>) {
        let mut state = self.core.lock();
        state.defect.get_or_insert_with(|| what.into());
    }

    pub(crate) async fn background_sleep(&self, duration: Duration) {
        self.core.sleep(self.who, duration, true).await;
    }
}

/// How a consumer's process works.
#[derive(Clone, Copy, Debug)]
pub struct Host {
    /// How many processes there are.
    pub instances: usize,
    /// How many messages a batch has at most.
    pub batch: usize,
    /// How long an invocation may take; `None` for a worker, which has all the time there is.
    pub invocation: Option<Duration>,
}

impl Default for Host {
    fn default() -> Self {
        Self {
            instances: 1,
            batch: 10,
            invocation: Some(Duration::from_secs(60)),
        }
    }
}

/// What Lambda and its event source mapping do, for ever.
pub(crate) async fn serve_queue(
    process: Process,
    queue: String,
    is_fifo: bool,
    host: Host,
    handler: impl BatchHandler,
) {
    let name = handler.name();
    let source = process.queue(&queue);
    loop {
        let batch = source.receive(host.batch, is_fifo).await;
        if batch.is_empty() {
            continue;
        }
        let clock = process.environment.clock();
        let deadline = host
            .invocation
            .map_or_else(Deadline::none, |time| Deadline::after(time, clock));
        let started = clock.instant();
        let verdicts = match &process.sabotage {
            Some(sabotage) => sabotage.handle(&handler, &batch, deadline).await,
            None => handler.handle(&batch, deadline).await,
        };
        let took = clock.instant().saturating_duration_since(started);
        if host.invocation.is_some_and(|time| took >= time) {
            process.defect(format!("{name} did not answer before the end of its invocation"));
        }
        for (delivery, verdict) in batch.iter().zip(&verdicts) {
            look_for_misdeeds(&process, name, delivery, verdict);
        }
        let (environment, port) = (&process.environment, &*source as &dyn Queue);
        let settlement = Settlement::carry_out_as(name, environment, port, &batch, &verdicts, deadline).await;
        let receipts = settlement.finished.iter().map(|place| batch[*place].receipt.clone());
        source.finish(receipts.collect()).await;
    }
}

/// What a handler does that no simulation can vouch for.
fn look_for_misdeeds(process: &Process, consumer: &str, delivery: &Delivery, verdict: &Verdict) {
    let (Verdict::Retry { error, .. } | Verdict::Park { error, .. }) = verdict else {
        return;
    };
    let message = &delivery.message_id;
    match verdict {
        Verdict::Retry {
            reason: RetryReason::HandlerPanicked,
            ..
        }
        | Verdict::Park {
            reason: ParkReason::HandlerPanicked,
            ..
        } => process.defect(format!(
            "{consumer}, {message}: {error}. One that uses a real clock or real input and output panics here: wait with the \
             environment's clock, and call others through the process's ports"
        )),
        Verdict::Retry {
            reason: RetryReason::HandlerTimedOut,
            ..
        } if process.core.lock().is_calm() => process.defect(format!(
            "a handler of {consumer} waits for something outside of the simulation ({message}): {error}, though \
             nothing went wrong. Wait with the environment's clock, and call others through the process's ports"
        )),
        _ => {}
    }
}

/// What the event source mapping of a stream does with one shard, for ever.
pub(crate) async fn serve_stream(process: Process, shard: usize, batch: usize, relay: Relay) {
    loop {
        let read = ReadStream { shard, most: batch };
        let (start, records) = process.core.request(process.who, read).await;
        if records.is_empty() {
            continue;
        }
        let deadline = Deadline::after(Duration::from_secs(60), process.environment.clock());
        let outcomes = relay.relay(&records, deadline).await;
        let first_left = outcomes.iter().position(|outcome| matches!(outcome, Outcome::Retry(_)));
        let done = start + first_left.unwrap_or(records.len());
        process.core.request(process.who, FinishStream { shard, done }).await;
        if first_left.is_some() {
            process.environment.clock().sleep(UNTIL_NEXT_TRY).await;
        }
    }
}

/// Between two invocations with the same records.
const UNTIL_NEXT_TRY: Duration = Duration::from_secs(1);

/// Something that runs: its future as it is now, and how to begin anew.
pub(crate) struct Running {
    pub(crate) make: Box<dyn Fn(Process) -> BoxedRun + Send>,
    pub(crate) future: Option<BoxedRun>,
    pub(crate) flag: Arc<Flag>,
    pub(crate) incarnation: u64,
}

pub(crate) type BoxedRun = Pin<Box<dyn Future<Output = ()> + Send>>;

pub(crate) fn boxed(run: impl Future<Output = ()> + Send + 'static) -> BoxedRun {
    run.boxed()
}

/// Whether a process has something to do.
#[derive(Default)]
pub(crate) struct Flag(AtomicBool);

impl Flag {
    pub(crate) fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }

    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.set();
    }
}
