use std::collections::BTreeMap;
use std::future::Future;
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use onecommit_engine::{Consumer, Delivery, Engine, EventLog, Item, Ledger, ParkReason, Table, Write};
use onecommit_environment::{Environment, SeededRandom, Timestamp};
use onecommit_event::{Aggregate, Event, Payload};
use onecommit_publish::Publisher;
use onecommit_relay::{Relay, RelaySettings};
use onecommit_testing::MemoryDatabase;

use super::backend::{QueueSettings, QueueState, Shard, Subscription, TopicKind, TopicState};
use super::batch_handler::BatchHandler;
use super::clock::SimulatedClock;
use super::core::{Core, Step, Who};
use super::fault::Fault;
use super::liveness::Liveness;
use super::outage::Outage;
use super::process::{Flag, Host, MakeSabotage, Process, Running, boxed, serve_queue, serve_stream};
use super::recording::Recording;
use super::schedule::Choices;
use super::time::timestamp_at;

/// A world of processes, queues, topics and tables in memory. Nothing in it is real but the code that runs there, and
/// nothing happens there but by choice of the simulation, so that every run can be repeated.
pub struct World {
    core: Arc<Core>,
    database: Arc<MemoryDatabase>,
    environment: Environment,
    processes: Vec<Running>,
    names: Vec<String>,
    /// Processes that do the same, each of which can do without the others.
    groups: Vec<Range<usize>>,
    sabotage: Option<MakeSabotage>,
    marks_pending: bool,
}

/// The name of the ledger's table.
pub const LEDGER: &str = "ledger";
/// The name of the events table.
pub const EVENTS: &str = "events";
/// Longer than anything that is waited for; in the world's own time.
const HORIZON: Duration = Duration::from_secs(30 * 24 * 3600);
/// More than any run that comes to an end takes.
pub(crate) const STEPS_MAX: u64 = 20_000;
/// Longer than a handler that does not block takes between two requests, even on a busy machine; in real time.
const PATIENCE: Duration = Duration::from_millis(400);

/// When a run is given up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) steps_max: u64,
    pub(crate) liveness: Option<Liveness>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            steps_max: STEPS_MAX,
            liveness: None,
        }
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Settled,
    Defect(String),
    /// Nothing happens any more, and it is not settled.
    Unsettled,
    /// It goes on and on.
    Endless,
    /// Faults have stopped, and so many steps and so much time later it is not settled.
    NotLive(u64, Duration),
    /// A process did not give control back for a while.
    Blocked(String),
}

impl World {
    pub(crate) fn new(choices: Choices, recording: Recording) -> Self {
        let core = Core::new(choices, recording);
        let database = Arc::clone(&core.lock().backend.database);
        // Whoever sets a world up has a clock that is right.
        let who = Who {
            process: usize::MAX,
            incarnation: 0,
        };
        let clock = SimulatedClock {
            core: Arc::clone(&core),
            who,
        };
        let environment = Environment::new(Arc::new(clock), Arc::new(SeededRandom::new(u64::MAX)));
        Self {
            core,
            database,
            environment,
            processes: Vec::new(),
            names: Vec::new(),
            groups: Vec::new(),
            sabotage: None,
            marks_pending: false,
        }
    }

    // ------------------------------------------------------------ what there is

    /// The tables as they are, without a network before them.
    #[must_use]
    pub fn tables(&self) -> &Arc<MemoryDatabase> {
        &self.database
    }

    /// A clock that is right, and the same randomness in every run.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// How much time has passed since the beginning.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.core.lock().now
    }

    /// How many requests processes sent from one moment up to another; what a platform does to bring them work is none.
    #[must_use]
    pub fn requests_between(&self, from: Duration, to: Duration) -> usize {
        let state = self.core.lock();
        state.sent_at.iter().filter(|at| (from..to).contains(*at)).count()
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        timestamp_at(self.core.lock().now)
    }

    /// The log of the events table.
    #[must_use]
    pub fn event_log(&self) -> EventLog {
        let log = EventLog::new(Table::new(EVENTS));
        if self.marks_pending {
            log.with_pending_marks()
        } else {
            log
        }
    }

    /// From now on [`World::event_log`] and the consumers append events with the mark by which a recovery finds what the
    /// table's stream forgot. Only then does it forget: without marks that takes an operator.
    pub fn mark_pending(&mut self) {
        self.marks_pending = true;
    }

    /// A queue with its dead-letter queue.
    pub fn queue(&mut self, name: &str, settings: QueueSettings) {
        let queue = QueueState {
            settings,
            ..QueueState::default()
        };
        self.core.lock().backend.queues.insert(name.to_owned(), queue);
    }

    /// A topic or a bus.
    pub fn topic(&mut self, name: &str, kind: TopicKind) {
        let topic = TopicState {
            kind,
            ..TopicState::default()
        };
        self.core.lock().backend.topics.insert(name.to_owned(), topic);
    }

    /// The topic refuses events of this type for good.
    pub fn refuse(&mut self, topic: &str, event_type: &'static str) {
        if let Some(topic) = self.core.lock().backend.topics.get_mut(topic) {
            topic.refused.push(event_type);
        }
    }

    /// Something does not work for a while.
    pub fn outage(&mut self, outage: Outage) {
        self.core.lock().outages.push(outage);
    }

    /// A sabotage between each process that starts from now on and all it acts on.
    pub(crate) fn sabotaged_by(&mut self, make: Option<MakeSabotage>) {
        self.sabotage = make;
    }

    /// Only these faults happen.
    pub(crate) fn with_faults(&mut self, possible: Vec<Fault>) {
        self.core.lock().possible = possible;
    }

    /// The queue gets these event types of the topic; all when there are none.
    pub fn subscribe(&mut self, topic: &str, queue: &str, event_types: &[&'static str]) {
        if let Some(topic) = self.core.lock().backend.topics.get_mut(topic) {
            topic.subscriptions.push(Subscription {
                queue: queue.to_owned(),
                event_types: event_types.to_vec(),
            });
        }
    }

    // ------------------------------------------------------------ who is there

    /// The processes of a consumer on a queue. `make` is called whenever one of them starts, with nothing remembered.
    pub fn consumer<F>(&mut self, name: &str, queue: &str, host: Host, make: F)
    where
        F: Fn(&Process) -> Consumer + Send + Sync + 'static,
    {
        let log = self.event_log();
        self.batch_handler(name, queue, host, move |process| {
            let ledger = Ledger::new(Table::new(LEDGER));
            let engine = Engine::new(make(process), process.tables(), ledger, process.environment());
            engine.with_event_log(log.clone())
        });
    }

    /// The same for something that has other means than one engine.
    pub fn batch_handler<H, F>(&mut self, name: &str, queue: &str, host: Host, make: F)
    where
        H: BatchHandler,
        F: Fn(&Process) -> H + Send + Sync + 'static,
    {
        let is_fifo = {
            let state = self.core.lock();
            state
                .backend
                .queues
                .get(queue)
                .is_some_and(|queue| queue.settings.is_fifo)
        };
        let make = Arc::new(make);
        let first = self.processes.len();
        self.groups.push(first..first + host.instances);
        for number in 1..=host.instances {
            let (make, queue) = (Arc::clone(&make), queue.to_owned());
            self.process(&format!("{name}/{number}"), move |process| {
                let handler = make(&process);
                serve_queue(process, queue.clone(), is_fifo, host, handler)
            });
        }
    }

    /// A relay on each shard of the events table's stream, which publishes to the topic; what can never be published is
    /// parked on the queue.
    pub fn relay(&mut self, shards: usize, batch: usize, topic: &str, dead_letters: &str, settings: RelaySettings) {
        self.database.stream_of(EVENTS);
        let new = || (0..shards).map(|_| Shard::default());
        self.core.lock().backend.shards = new().collect();
        for shard in 0..shards {
            let (topic, dead_letters) = (topic.to_owned(), dead_letters.to_owned());
            self.process(&format!("relay/{}", shard + 1), move |process| {
                let relay = relay_of(&process, &topic, &dead_letters, settings);
                serve_stream(process, shard, batch, relay)
            });
        }
    }

    /// A process that does something again and again, `period` after it was done, and first after one `period`.
    pub fn every<F, Fut>(&mut self, name: &str, period: Duration, job: F)
    where
        F: Fn(Process) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let job = Arc::new(job);
        self.process(name, move |process| {
            let job = Arc::clone(&job);
            async move {
                loop {
                    process.background_sleep(period).await;
                    job(process.clone()).await;
                }
            }
        });
    }

    /// A process that does something until it is done; when it crashes, it begins anew.
    pub fn process<F, Fut>(&mut self, name: &str, run: F)
    where
        F: Fn(Process) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let mut state = self.core.lock();
        state.names.push(name.to_owned());
        state.clock_offsets_ms.push(0);
        drop(state);
        self.names.push(name.to_owned());
        self.processes.push(Running {
            make: Box::new(move |process| boxed(run(process))),
            future: None,
            flag: Arc::new(Flag::default()),
            incarnation: 0,
        });
        self.begin(self.processes.len() - 1);
    }

    // ------------------------------------------------------------ what comes in

    /// A row that is there from the beginning.
    ///
    /// # Panics
    /// When it cannot be written.
    #[allow(clippy::expect_used, reason = "a mistake in the test ends the test")]
    pub fn insert(&mut self, row: impl Into<Write>) {
        self.database
            .write_now(&row.into())
            .expect("the first rows can be written");
    }

    /// A new event, whose id is the same in every run.
    ///
    /// # Panics
    /// When the aggregate's type or id is not valid.
    #[allow(clippy::expect_used, reason = "a mistake in the test ends the test")]
    pub fn event<P: Payload>(&self, aggregate_type: &str, aggregate_id: &str, payload: P) -> Event {
        let aggregate = Aggregate::new(aggregate_type, aggregate_id).expect("the aggregate of a test event is valid");
        let event = Event::new(aggregate, payload, &self.environment);
        event.into_raw().expect("the payload of a test event is an object")
    }

    /// A message with this event; on a FIFO queue, in the group of its aggregate.
    pub fn send(&mut self, queue: &str, event: &Event) {
        let group = Some(event.aggregate().to_string());
        self.send_body(queue, event.to_json(), group);
    }

    /// A message with this body.
    pub fn send_body(&mut self, queue: &str, body: String, group: Option<String>) {
        let mut state = self.core.lock();
        let now = state.now;
        let is_fifo = state
            .backend
            .queues
            .get(queue)
            .is_some_and(|queue| queue.settings.is_fifo);
        state.backend.send(queue, body, group.filter(|_| is_fifo), now);
    }

    // ------------------------------------------------------------ what came of it

    /// A row by its table and its key.
    #[must_use]
    pub fn row(&self, table: &str, key: &[&str]) -> Option<Item> {
        self.database.row(table, key)
    }

    /// What was parked: the message, why, and in which words.
    #[must_use]
    pub fn parked(&self, queue: &str) -> Vec<(Delivery, ParkReason, String)> {
        let state = self.core.lock();
        let queue = state.backend.queues.get(queue);
        queue.map(|queue| queue.parked.clone()).unwrap_or_default()
    }

    /// What the queue's own redrive took, because it was delivered too often.
    #[must_use]
    pub fn redriven(&self, queue: &str) -> Vec<Delivery> {
        let state = self.core.lock();
        let queue = state.backend.queues.get(queue);
        queue.map(|queue| queue.redriven.clone()).unwrap_or_default()
    }

    /// The events that a topic took, copies included, in their order.
    #[must_use]
    pub fn published(&self, topic: &str) -> Vec<Event> {
        let state = self.core.lock();
        let topic = state.backend.topics.get(topic);
        topic.map(|topic| topic.taken.clone()).unwrap_or_default()
    }

    /// Whether a fault of this kind happened.
    #[must_use]
    pub fn met(&self, fault: Fault) -> bool {
        self.core.lock().faults.contains_key(&fault)
    }

    /// What processes noted down, in its order; see [`Process::note`].
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        self.core.lock().notes.clone()
    }

    /// What an outside system did, in its order.
    #[must_use]
    pub fn done_outside(&self, name: &str) -> Vec<String> {
        let state = self.core.lock();
        let outside = state.backend.outsides.get(name);
        let done = outside.map(|outside| outside.done.iter().map(|(request, _)| request.clone()).collect());
        done.unwrap_or_default()
    }

    /// What all outside systems did.
    pub(crate) fn done_outside_all(&self) -> Vec<String> {
        let state = self.core.lock();
        let outsides = state.backend.outsides.iter();
        outsides
            .flat_map(|(name, outside)| outside.done.iter().map(move |(request, _)| format!("{name} {request}")))
            .collect()
    }

    // ------------------------------------------------------------ how it runs

    fn begin(&mut self, place: usize) {
        let running = &mut self.processes[place];
        running.incarnation += 1;
        let who = Who {
            process: place,
            incarnation: running.incarnation,
        };
        // A restarted machine asks for the time.
        if let Some(offset) = self.core.lock().clock_offsets_ms.get_mut(place) {
            *offset = 0;
        }
        let process = Process::new(Arc::clone(&self.core), who);
        let process = match &self.sabotage {
            Some(make) => process.sabotaged_by(make),
            None => process,
        };
        running.future = Some((running.make)(process));
        running.flag.set();
    }

    /// Runs until nothing happens any more and `is_settled` says that all is done.
    pub(crate) fn run(&mut self, is_settled: &dyn Fn(&Self) -> bool, limits: Limits, beat: &dyn Fn(&str)) -> Ending {
        {
            // What was there when the world began is in the stream, too.
            let mut state = self.core.lock();
            let now = state.now;
            state.backend.stream_inserted(now);
        }
        let (mut last_fault_at, mut faults) = ((0, self.elapsed()), 0);
        for step in 0..limits.steps_max {
            if let Some(liveness) = limits.liveness {
                if step == liveness.storm_steps {
                    self.calm_down();
                }
                let so_far: u64 = self.core.lock().faults.values().sum();
                if so_far > faults || step == liveness.storm_steps {
                    (last_fault_at, faults) = ((step, self.elapsed()), so_far);
                }
                let settling = (step - last_fault_at.0, self.elapsed().saturating_sub(last_fault_at.1));
                if settling.0 > liveness.settles_in_steps || settling.1 > liveness.settles_in {
                    return Ending::NotLive(settling.0, settling.1);
                }
            }
            if let Some(ending) = self.poll_all(beat) {
                return ending;
            }
            let step = match self.step() {
                Ok(step) => step,
                Err(defect) => return Ending::Defect(defect),
            };
            match step {
                Step::Done => {}
                Step::Crash(place) => {
                    // Outside of the lock: what is dropped takes its requests back.
                    self.processes[place].future = None;
                    self.begin(place);
                }
                Step::Quiet { has_timers } => {
                    if is_settled(self) {
                        return Ending::Settled;
                    }
                    let mut state = self.core.lock();
                    if !has_timers || state.now > HORIZON {
                        return Ending::Unsettled;
                    }
                    state.pass_any_time();
                }
            }
        }
        Ending::Endless
    }

    fn step(&self) -> Result<Step, String> {
        let mut state = self.core.lock();
        if let Some(defect) = state.defect.take() {
            return Err(defect);
        }
        let waits = |place: &usize| self.processes[*place].future.is_some() && !state.is_waited_for(*place);
        if let Some(stuck) = (0..self.processes.len()).find(waits) {
            let name = &state.names[stuck];
            return Err(format!(
                "{name} waits for something outside of the simulation: a timer, a socket, a lock or another thread. Wait \
                 with the environment's clock, and call others through the process's ports"
            ));
        }
        Ok(state.step())
    }

    /// The faults are over. Of each group one process goes on, and the others may be gone for good.
    fn calm_down(&mut self) {
        for group in self.groups.clone() {
            let kept = group.start + self.core.lock().choices.order(group.len());
            for place in group.filter(|place| *place != kept) {
                if self.core.lock().choices.order(2) == 1 {
                    self.core.lock().end(place);
                    self.processes[place].future = None;
                }
            }
        }
        self.core.lock().choices.calm_down();
    }

    /// Lets every process go on until each waits.
    fn poll_all(&mut self, beat: &dyn Fn(&str)) -> Option<Ending> {
        loop {
            let mut has_moved = false;
            for place in 0..self.processes.len() {
                let running = &mut self.processes[place];
                if !running.flag.take() {
                    continue;
                }
                let Some(future) = &mut running.future else { continue };
                has_moved = true;
                let waker = Waker::from(Arc::clone(&running.flag));
                let name = &self.names[place];
                beat(name);
                let started = Instant::now();
                let poll = || future.as_mut().poll(&mut Context::from_waker(&waker));
                let polled = std::panic::catch_unwind(AssertUnwindSafe(poll));
                if started.elapsed() > PATIENCE {
                    return Some(Ending::Blocked(name.clone()));
                }
                match polled {
                    Ok(Poll::Pending) => {}
                    Ok(Poll::Ready(())) => running.future = None,
                    Err(panic) => {
                        let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
                        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
                        let text = text.unwrap_or_else(|| "no message".to_owned());
                        return Some(Ending::Defect(format!("{name} panicked: {text}")));
                    }
                }
            }
            if !has_moved {
                return None;
            }
        }
    }

    pub(crate) fn faults(&self) -> BTreeMap<Fault, u64> {
        self.core.lock().faults.clone()
    }

    pub(crate) fn with_choices<T>(&self, look: impl FnOnce(&Choices) -> T) -> T {
        look(&self.core.lock().choices)
    }

    pub(crate) fn recorded(&self) -> Vec<String> {
        self.core.lock().recording.lines().to_vec()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // The processes hold the world, and the world holds what they sent.
        for running in &mut self.processes {
            running.future = None;
        }
    }
}

/// A relay as a process runs it: from the events table to the topic.
#[must_use]
pub fn relay_of(process: &Process, topic: &str, dead_letters: &str, settings: RelaySettings) -> Relay {
    let publisher = Publisher::new(vec![process.topic(topic)], process.environment());
    let log = EventLog::new(Table::new(EVENTS));
    let dead_letters = process.queue(dead_letters);
    Relay::new(process.tables(), log, publisher, dead_letters, process.environment()).with(settings)
}
