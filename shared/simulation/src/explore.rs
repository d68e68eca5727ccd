use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use onecommit_engine::{Consumer, Item, Value};
use onecommit_event::Event;

use super::backend::QueueSettings;
use super::liveness::Liveness;
use super::ports::Sabotage;
use super::process::{Host, MakeSabotage, Process};
use super::recording::Recording;
use super::schedule::{Bounds, Choices, FaultRates, Schedule};
use super::search::{Broken, Explored, Scenario, Search, Searched};
use super::time::timestamp_at;
use super::world::{EVENTS, LEDGER, Limits, World};

/// Runs a consumer in a simulated world, under every schedule within bounds and many random ones: crashes before, during
/// and after each request, lost answers, copies, disorder, conflicts, throttling, slowness, clocks that jump.
///
/// `consumer` is called whenever a process starts. It gets what the process may use: tables, clock, randomness, outside
/// systems. Whatever it uses besides cannot be simulated, and is found out.
///
/// Unless told otherwise, it is a promise that the tables and the outside systems are in the end as if each event had
/// been handled once, one after the other, in some order, in a calm world.
///
/// ```
/// use onecommit_engine::{Commit, Consumer, Failure, Key, Table};
/// use onecommit_event::{Event, Payload};
/// use onecommit_testing::an_event;
/// use onecommit_simulation::explore;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct ParcelShipped { carrier: String }
/// impl Payload for ParcelShipped {
///     const EVENT_TYPE: &'static str = "ParcelShipped";
/// }
/// async fn count(event: Event<ParcelShipped>) -> Result<Commit, Failure> {
///     let carrier = Key::new("pk", event.payload().carrier.as_str());
///     Ok(Commit::of(Table::new("carriers").update(carrier).add("parcels", 1)))
/// }
///
/// let shipped = |parcel: &str| an_event("Parcel", parcel, ParcelShipped { carrier: "DHL".into() });
/// explore(|_| Consumer::named("carriers").atomic(count))
///     .with_events([shipped("p-1"), shipped("p-2")])
///     .holds();
/// ```
pub fn explore<F>(consumer: F) -> Exploration
where
    F: Fn(&Process) -> Consumer + Send + Sync + 'static,
{
    Exploration {
        consumer: Arc::new(consumer),
        events: Vec::new(),
        set_up: Arc::new(|_| {}),
        judge: None,
        sabotage: None,
        seen_as: Arc::new(what_is_there),
        bounds: Bounds { faults: 2, disorder: 2 },
        schedules_max: 20_000,
        seeds: 0..500,
        weather: FaultRates::default(),
        liveness: Liveness::default(),
        storms: 100,
        is_fifo: false,
        outcomes: Mutex::default(),
    }
}

/// A consumer, what comes to it, and how far its schedules are explored; see [`explore`].
pub struct Exploration {
    consumer: Arc<dyn Fn(&Process) -> Consumer + Send + Sync>,
    events: Vec<Event>,
    set_up: Arc<dyn Fn(&mut World) + Send + Sync>,
    judge: Option<Judge>,
    sabotage: Option<MakeSabotage>,
    seen_as: Arc<dyn Fn(&World) -> String + Send + Sync>,
    bounds: Bounds,
    schedules_max: u64,
    seeds: Range<u64>,
    weather: FaultRates,
    liveness: Liveness,
    storms: u64,
    is_fifo: bool,
    /// How the world may look in the end, when there is no judge.
    outcomes: Mutex<BTreeSet<String>>,
}

type Judge = Arc<dyn Fn(&World) -> Result<(), String> + Send + Sync>;

/// The queue of the explored consumer.
const QUEUE: &str = "queue";
/// With more events, trying all their orders would take too long.
const ORDERED_MAX: usize = 5;
/// Without a sign of life for so long, in real time, a handler has stopped its thread.
const SILENCE_MAX: Duration = Duration::from_secs(10);

impl Exploration {
    /// These events come, one message each; the simulation copies and reorders them. They happen when the simulated world
    /// begins: to its clocks, one that happened by a real clock would be older than any ledger remembers.
    #[must_use]
    pub fn with_events(mut self, events: impl IntoIterator<Item = Event>) -> Self {
        let beginning = timestamp_at(Duration::ZERO);
        let happens = |event: Event| event.with_timestamp(beginning);
        self.events.extend(events.into_iter().map(happens));
        self
    }

    /// Puts rows into tables before anything happens.
    #[must_use]
    pub fn given(mut self, set_up: impl Fn(&mut World) + Send + Sync + 'static) -> Self {
        self.set_up = Arc::new(set_up);
        self
    }

    /// Judges the end by this instead of comparing it with what a calm world comes to.
    #[must_use]
    pub fn judged_by(mut self, judge: impl Fn(&World) -> Result<(), String> + Send + Sync + 'static) -> Self {
        self.judge = Some(Arc::new(judge));
        self
    }

    /// Compares the end with that of a calm world by this, for example to leave out times. Default: all rows but the
    /// ledger's, the events without their ids and times, and what outside systems did.
    #[must_use]
    pub fn seen_as(mut self, look: impl Fn(&World) -> String + Send + Sync + 'static) -> Self {
        self.seen_as = Arc::new(look);
        self
    }

    /// The messages come from a FIFO queue, each in the group of its aggregate.
    #[must_use]
    pub fn on_a_fifo_queue(mut self) -> Self {
        self.is_fifo = true;
        self
    }

    /// How far the exhaustive search goes, and after how many schedules it stops. Default: 2 faults, 2 times something
    /// else than the oldest request first, 20,000 schedules.
    #[must_use]
    pub fn exhaustively(mut self, bounds: Bounds, schedules_max: u64) -> Self {
        (self.bounds, self.schedules_max) = (bounds, schedules_max);
        self
    }

    /// What the random search is like, one schedule for each seed. Default: 500 of them.
    #[must_use]
    pub fn randomly(mut self, seeds: Range<u64>, weather: FaultRates) -> Self {
        (self.seeds, self.weather) = (seeds, weather);
        self
    }

    /// What is promised once faults stop, tried after so many storms. Default: 100 of [`Liveness::default`].
    #[must_use]
    pub fn settling(mut self, storms: u64, liveness: Liveness) -> Self {
        (self.storms, self.liveness) = (storms, liveness);
        self
    }

    /// With a deliberate bug, made anew for each process that starts: now the exploration has to find something. What a
    /// calm world comes to is still learnt without it.
    #[must_use]
    pub fn sabotaged_by(mut self, make: impl Fn(&Process) -> Arc<dyn Sabotage> + Send + Sync + 'static) -> Self {
        self.sabotage = Some(Arc::new(make));
        self
    }

    /// Explores, and tells what was found.
    ///
    /// # Errors
    /// The first schedule that breaks the promise, made as simple as it gets.
    pub fn run(self) -> Searched {
        self.watched(|exploration, search| {
            exploration.learn_outcomes()?;
            let explored = search.exhaustively(exploration.bounds, exploration.schedules_max)?;
            let randomly = search.randomly(exploration.seeds.clone(), exploration.weather)?;
            let settled = search.settling(0..exploration.storms, exploration.liveness)?;
            Ok(explored.and(&randomly).and(&settled))
        })
    }

    /// Runs one schedule again: what [`Broken`] printed.
    ///
    /// # Errors
    /// When the promise is broken under it.
    pub fn replay(self, schedule: Schedule) -> Searched {
        self.watched(move |exploration, search| {
            exploration.learn_outcomes()?;
            search.replay(&schedule)
        })
    }

    /// The same for one that broke the promise only in what followed a storm.
    ///
    /// # Errors
    /// When the promise is broken under it.
    pub fn replay_settling(self, schedule: Schedule) -> Searched {
        self.watched(move |exploration, search| {
            exploration.learn_outcomes()?;
            search.clone().after_a_storm(exploration.liveness).replay(&schedule)
        })
    }

    /// Explores, and ends the test with the schedule that breaks the promise, if there is one.
    ///
    /// # Panics
    /// When the promise is broken.
    #[allow(clippy::panic, reason = "that is what an assertion does")]
    pub fn holds(self) {
        if let Err(broken) = self.run() {
            panic!("{broken}");
        }
    }

    /// On a thread of its own: one that a handler has stopped cannot be got back.
    fn watched(self, explore: impl FnOnce(&Self, &Search<'_>) -> Searched + Send + 'static) -> Searched {
        let name = self.name().to_owned();
        let (sender, receiver) = channel();
        let last_beat: Arc<Mutex<(u64, String)>> = Arc::default();
        let beats = Arc::clone(&last_beat);
        std::thread::spawn(move || {
            let beat = move |process: &str| {
                let mut last = beats.lock().unwrap_or_else(PoisonError::into_inner);
                last.0 += 1;
                process.clone_into(&mut last.1);
            };
            let search = Search::of(&self)
                .maybe_sabotaged_by(self.sabotage.clone())
                .watched(&beat);
            // Nobody listens any more when the test was given up.
            let _ = sender.send(explore(&self, &search));
        });
        let mut seen = 0;
        loop {
            match receiver.recv_timeout(SILENCE_MAX) {
                Ok(searched) => return searched,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(broken(&name, "the exploration itself panicked; see above".to_owned()));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            let last = last_beat.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if last.0 == seen {
                let what = format!(
                    "{} has not given control back for {} s: a handler blocks its thread, or goes round for ever. Await \
                     instead, or hand the work to a thread of its own",
                    last.1,
                    SILENCE_MAX.as_secs()
                );
                return Err(broken(&name, what));
            }
            seen = last.0;
        }
    }

    /// How the world looks after all events came one after the other, for each order they may come in.
    fn learn_outcomes(&self) -> Result<(), Box<Broken>> {
        if self.judge.is_some() {
            return Ok(());
        }
        let indices: Vec<usize> = (0..self.events.len()).collect();
        let orders = match indices.len() {
            0..=ORDERED_MAX if !self.is_fifo => permutations(&indices),
            _ => vec![indices],
        };
        for order in orders {
            let mut world = World::new(Choices::given(Schedule::calm()), Recording::Nothing);
            self.build(&mut world, &order, 1);
            match world.run(&|_| true, Limits::default(), &|_| {}) {
                super::world::Ending::Settled => {}
                // The search meets it, too, and tells more of it.
                _ => continue,
            }
            let mut outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
            outcomes.insert((self.seen_as)(&world));
        }
        Ok(())
    }

    fn build(&self, world: &mut World, order: &[usize], batch: usize) {
        let settings = QueueSettings::new().is_fifo(self.is_fifo);
        world.queue(QUEUE, settings);
        (self.set_up)(world);
        let consumer = Arc::clone(&self.consumer);
        let host = Host {
            instances: if batch == 1 { 1 } else { 2 },
            batch,
            ..Host::default()
        };
        world.consumer("consumer", QUEUE, host, move |process| consumer(process));
        for place in order {
            world.send(QUEUE, &self.events[*place]);
        }
    }
}

impl Scenario for Exploration {
    fn name(&self) -> &str {
        "the explored consumer"
    }

    fn set_up(&self, world: &mut World) {
        let order: Vec<usize> = (0..self.events.len()).collect();
        self.build(world, &order, 2);
    }

    fn judge(&self, world: &World) -> Result<(), String> {
        if let Some(judge) = &self.judge {
            return judge(world);
        }
        if let Some(lost) = world.redriven(QUEUE).first() {
            return Err(format!(
                "{} was delivered until the queue's redrive took it",
                lost.message_id
            ));
        }
        let end = (self.seen_as)(world);
        let outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        if outcomes.contains(&end) {
            return Ok(());
        }
        let expected: Vec<&str> = outcomes.iter().map(String::as_str).collect();
        Err(format!(
            "in the end it is not as if each event had been handled once.\nIt is:\n{end}\nIt should be:\n{}",
            expected.join("\nor:\n")
        ))
    }
}

/// All rows but the ledger's, what the outside systems did, and what was parked.
fn what_is_there(world: &World) -> String {
    let mut lines = Vec::new();
    for (table, rows) in world.tables().dump() {
        if table == LEDGER {
            continue;
        }
        for row in rows {
            let values: Vec<String> = row
                .iter()
                .filter(|(name, _)| table != EVENTS || !["eventId", "timestamp"].contains(&name.as_str()))
                .map(|(name, value)| format!("{name}={}", shown(&table, name, value)))
                .collect();
            lines.push(format!("  {table}: {}", values.join(" ")));
        }
    }
    let mut done = world.done_outside_all();
    done.sort();
    lines.extend(done.into_iter().map(|done| format!("  outside: {done}")));
    let mut parked: Vec<String> = world
        .parked(QUEUE)
        .iter()
        .map(|(delivery, reason, _)| format!("  parked: {} {reason}", event_of(&delivery.body)))
        .collect();
    parked.sort();
    parked.dedup();
    lines.extend(parked);
    lines.join("\n")
}

fn shown(table: &str, name: &str, value: &Value) -> String {
    match value {
        // An event's ids and times are other ones in every run of its handler.
        Value::String(json) if table == EVENTS && name == "event" => match Event::from_json(json.as_str()) {
            Ok(event) => event.payload().get().to_owned(),
            Err(_) => json.clone(),
        },
        Value::String(text) | Value::Number(text) => text.clone(),
        Value::Map(map) => format!("{:?}", map as &Item),
        other => format!("{other:?}"),
    }
}

fn event_of(body: &str) -> String {
    Event::from_json(body).map_or_else(|_| body.to_owned(), |event| event.id().to_string())
}

fn broken(scenario: &str, what: String) -> Box<Broken> {
    Box::new(Broken {
        scenario: scenario.to_owned(),
        what,
        seed: None,
        schedules: 0,
        schedule: Schedule::calm(),
        is_of_liveness: false,
        repeats: true,
        story: Vec::new(),
    })
}

fn permutations(items: &[usize]) -> Vec<Vec<usize>> {
    if items.len() < 2 {
        return vec![items.to_vec()];
    }
    let mut all = Vec::new();
    for place in 0..items.len() {
        let mut rest = items.to_vec();
        let first = rest.remove(place);
        for mut order in permutations(&rest) {
            order.insert(0, first);
            all.push(order);
        }
    }
    all
}

/// Both numbers of an exploration, for a test that wants to see them.
impl std::fmt::Display for Explored {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let faults: u64 = self.faults.values().sum();
        write!(formatter, "{} schedules, {faults} faults survived", self.schedules)
    }
}
