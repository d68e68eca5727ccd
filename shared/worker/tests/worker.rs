//! The worker on a queue in memory, under a clock that jumps ahead whenever everything waits.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing shall end")]

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use onecommit_engine::{Atomic, Backoff, Commit, Consumer, Delivery, Engine, Failure, Key, Ledger, Table};
use onecommit_environment::{Environment, SeededRandom};
use onecommit_event::{Event, Payload};
use onecommit_testing::{MemoryDatabase, MemorySource, VirtualClock, an_event, delivery_of};
use onecommit_worker::{Drained, Receipt, Settings, Source, SourceError, Worker};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// One step of a parcel's way.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Step {
    number: u32,
    takes_ms: u64,
    fails_times: u32,
}

impl Payload for Step {
    const EVENT_TYPE: &'static str = "ParcelMoved";
}

/// Takes as long and fails as often as the event says, and notes the order in which it finished.
#[derive(Clone, Default)]
struct Steps(Arc<Noted>);

#[derive(Default)]
struct Noted {
    failures: Mutex<HashMap<String, u32>>,
    finished: Mutex<Vec<(String, u32)>>,
    started: AtomicUsize,
    running: AtomicUsize,
    running_most: AtomicUsize,
}

impl Steps {
    fn of(&self, parcel: &str) -> Vec<u32> {
        let finished = self.0.finished.lock().unwrap();
        finished
            .iter()
            .filter(|(id, _)| id == parcel)
            .map(|(_, number)| *number)
            .collect()
    }

    fn started(&self) -> usize {
        self.0.started.load(Ordering::Relaxed)
    }
}

impl Atomic<Step> for Steps {
    async fn handle(&self, event: Event<Step>) -> Result<Commit, Failure> {
        self.0.started.fetch_add(1, Ordering::Relaxed);
        let running = self.0.running.fetch_add(1, Ordering::Relaxed) + 1;
        self.0.running_most.fetch_max(running, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(event.payload().takes_ms)).await;
        self.0.running.fetch_sub(1, Ordering::Relaxed);
        let (parcel, step) = (event.aggregate().id().to_owned(), event.payload());
        {
            let mut failures = self.0.failures.lock().unwrap();
            let failed = failures.entry(event.id().to_string()).or_default();
            if *failed < step.fails_times {
                *failed += 1;
                return Err(Failure::transient("the depot does not answer"));
            }
        }
        self.0.finished.lock().unwrap().push((parcel.clone(), step.number));
        let row = Key::of_view(parcel, "steps");
        Ok(Commit::of(Table::new("parcels").update(row).add("steps", 1)))
    }
}

/// A worker that runs, and what it runs on.
struct Running {
    steps: Steps,
    source: Arc<MemorySource>,
    database: Arc<MemoryDatabase>,
    monitor: onecommit_worker::Monitor,
    end: Option<oneshot::Sender<()>>,
    worker: JoinHandle<Drained>,
}

impl Running {
    async fn end(mut self) -> (Drained, Duration) {
        let asked_at = tokio::time::Instant::now();
        self.end.take().unwrap().send(()).unwrap();
        let drained = self.worker.await.unwrap();
        (drained, asked_at.elapsed())
    }

    fn steps_of(&self, parcel: &str) -> Option<i64> {
        self.database
            .row("parcels", &[parcel, "steps"])
            .and_then(|row| row["steps"].as_i64())
    }
}

fn start(source: MemorySource, settings: Settings) -> Running {
    start_with(source, settings, onecommit_engine::Settings::default())
}

fn start_with(source: MemorySource, settings: Settings, of_engine: onecommit_engine::Settings) -> Running {
    let (source, database, steps) = (Arc::new(source), Arc::<MemoryDatabase>::default(), Steps::default());
    let clock = VirtualClock::showing(Environment::system().clock().now());
    let environment = Environment::new(Arc::new(clock), Arc::new(SeededRandom::new(7)));
    let consumer = Consumer::named("parcel-view").atomic(steps.clone()).with(of_engine);
    let engine = Engine::new(
        consumer,
        database.clone(),
        Ledger::new(Table::new("ledger")),
        environment,
    );
    let worker = Worker::new(engine, source.clone(), source.clone(), settings);
    let monitor = worker.monitor();
    let (end, ended) = oneshot::channel::<()>();
    let worker = tokio::spawn(worker.run(async {
        let _ = ended.await;
    }));
    Running {
        steps,
        source,
        database,
        monitor,
        end: Some(end),
        worker,
    }
}

fn fill(source: &MemorySource, parcel: &str, steps: impl IntoIterator<Item = Step>) {
    for step in steps {
        let id = format!("{parcel}-{}", step.number);
        let mut delivery = delivery_of(&id, an_event("Parcel", parcel, step).to_json());
        delivery.group = Some(parcel.to_owned());
        source.send(delivery);
    }
}

fn step(number: u32) -> Step {
    Step {
        number,
        ..Step::default()
    }
}

fn slow(number: u32, takes_ms: u64) -> Step {
    Step {
        number,
        takes_ms,
        ..Step::default()
    }
}

fn standard(count: u32, step: impl Fn(u32) -> Step) -> MemorySource {
    let source = MemorySource::standard();
    for number in 0..count {
        let event = an_event("Parcel", &format!("p-{number}"), step(number));
        source.send(delivery_of(&format!("m-{number}"), event.to_json()));
    }
    source
}

/// Returns when so many handlers have been started.
async fn started(steps: &Steps, count: usize) {
    let look = || async { steps.started() };
    onecommit_testing::await_until(onecommit_testing::Patience::default(), look, |found| *found >= count)
        .await
        .unwrap();
}

const A_SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn every_message_is_handled_once_and_deleted_ten_to_a_request() {
    let running = start(standard(200, step), Settings::default());
    running.source.emptied().await;
    assert_eq!(running.database.count("parcels"), 200);
    assert_eq!(running.source.received().len(), 200);
    assert_eq!(
        running.source.delete_batches().len(),
        20,
        "{:?}",
        running.source.delete_batches()
    );
    assert!(
        running.database.requests() <= 20,
        "{} requests",
        running.database.requests()
    );
    assert_eq!(running.monitor.tally().handled, 200);
    assert_eq!(running.end().await.0, Drained { given_up: 0 });
}

#[tokio::test(start_paused = true)]
async fn copies_are_absorbed_and_deleted_whether_or_not_they_come_together() {
    let source = MemorySource::standard();
    let events: Vec<String> = (0..50)
        .map(|number| an_event("Parcel", &format!("p-{number}"), step(number)).to_json())
        .collect();
    for (number, json) in events.iter().chain(&events[..15]).chain(&events).enumerate() {
        source.send(delivery_of(&format!("m-{number}"), json.clone()));
    }
    let running = start(source, Settings::default());
    running.source.emptied().await;
    assert!((0..50).all(|number| running.steps_of(&format!("p-{number}")) == Some(1)));
    assert_eq!(
        (running.monitor.tally().handled, running.monitor.tally().duplicates),
        (50, 65)
    );
}

#[tokio::test(start_paused = true)]
async fn no_more_are_in_flight_than_there_is_room_for() {
    let settings = Settings::default().in_flight_max(25).receive_loops(8);
    let running = start(standard(300, |number| slow(number, 500 + u64::from(number))), settings);
    running.source.emptied().await;
    assert_eq!(running.source.hidden_most(), 25);
    assert_eq!(running.steps.0.running_most.load(Ordering::Relaxed), 25);
    assert_eq!(running.source.received().len(), 300);
}

#[tokio::test(start_paused = true)]
async fn what_is_done_is_deleted_before_its_slow_neighbours_are() {
    let settings = onecommit_engine::Settings::default().group_linger(Duration::ZERO);
    let source = standard(10, |number| slow(number, if number == 4 { 30_000 } else { 0 }));
    let running = start_with(source, Settings::default(), settings);
    tokio::time::sleep(A_SECOND).await;
    assert_eq!(running.source.count(), 1);
    assert_eq!(running.monitor.in_flight(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_message_is_kept_hidden_and_delivered_once() {
    let settings = Settings::default().visibility(Duration::from_secs(10));
    let running = start(standard(1, |number| slow(number, 55_000)), settings);
    running.source.emptied().await;
    assert_eq!(running.source.received().len(), 1);
    // Every five seconds at the latest, and never more often than every 2.5.
    let extended = running.source.extended().len();
    assert!((11..=22).contains(&extended), "{extended} extensions");
}

#[tokio::test(start_paused = true)]
async fn quick_messages_are_never_extended() {
    let running = start(standard(500, step), Settings::default());
    running.source.emptied().await;
    assert!(running.source.extended().is_empty());
}

#[tokio::test(start_paused = true)]
async fn trouble_with_receiving_is_waited_out() {
    let source = standard(5, step);
    source.fail_receives(30);
    let running = start(source, Settings::default());
    tokio::task::yield_now().await;
    assert!(!running.monitor.is_ready());
    running.source.emptied().await;
    assert!(running.monitor.is_ready());
    assert_eq!(running.monitor.numbers().receive_failures, 30);
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_deleted_is_deleted_with_the_next_request_or_absorbed_when_it_comes_back() {
    for failures in [1, 3] {
        let source = standard(1, step);
        source.fail_deletes(failures);
        let running = start(source, Settings::default());
        running.source.emptied().await;
        let deliveries = if failures < 3 { 1 } else { 2 };
        assert_eq!(running.source.received().len(), deliveries);
        assert_eq!(running.steps_of("p-0"), Some(1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_malformed_message_is_parked_and_leaves_the_queue() {
    let source = standard(3, step);
    source.send(delivery_of("bad", "{ not json"));
    let running = start(source, Settings::default());
    running.source.emptied().await;
    let parked = running.source.parked();
    assert_eq!(parked.len(), 1);
    assert_eq!(
        (parked[0].0.message_id.as_str(), parked[0].0.body.as_str()),
        ("bad", "{ not json")
    );
    assert_eq!(running.database.count("parcels"), 3);
}

#[tokio::test(start_paused = true)]
async fn groups_keep_their_order_across_receives_and_a_failure_holds_back_its_own_group_only() {
    let source = MemorySource::fifo();
    let broken = |number| Step {
        number,
        takes_ms: 10,
        fails_times: if number == 2 { 3 } else { 0 },
    };
    // Interleaved, and more of each than one receive can carry.
    for number in 0..25 {
        fill(&source, "broken", [broken(number)]);
        fill(&source, "well", [slow(number, 10)]);
    }
    let running = start(source, Settings::default());
    let steps = running.steps.clone();
    let source = Arc::clone(&running.source);
    let well_is_done = async {
        while steps.of("well").len() < 25 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        (tokio::time::Instant::now(), steps.of("broken").len())
    };
    let (_, broken_by_then) = well_is_done.await;
    assert!(broken_by_then < 25, "the failing group was to be behind");
    source.emptied().await;
    let in_order: Vec<u32> = (0..25).collect();
    assert_eq!(running.steps.of("well"), in_order);
    assert_eq!(running.steps.of("broken"), in_order);
    assert_eq!(
        (running.steps_of("well"), running.steps_of("broken")),
        (Some(25), Some(25))
    );
    let retries = running.monitor.tally().retries_total();
    assert!(
        retries > 3,
        "what came after the failed message was held back: {retries}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_group_whose_head_is_slow_keeps_its_order_beyond_the_visibility_timeout() {
    let source = MemorySource::fifo();
    fill(
        &source,
        "p",
        (0..12).map(|number| slow(number, if number % 3 == 0 { 25_000 } else { 0 })),
    );
    let running = start(source, Settings::default().visibility(Duration::from_secs(10)));
    running.source.emptied().await;
    assert_eq!(running.steps.of("p"), (0..12).collect::<Vec<_>>());
    assert_eq!(running.source.received().len(), 12);
}

#[tokio::test(start_paused = true)]
async fn a_drain_finishes_what_is_started_and_gives_back_the_rest_at_once() {
    let source = MemorySource::fifo();
    fill(&source, "p", (0..10).map(|number| slow(number, 5_000)));
    fill(&source, "q", [slow(0, 1_000)]);
    let running = start(source, Settings::default());
    let (steps, source, monitor) = (
        running.steps.clone(),
        Arc::clone(&running.source),
        running.monitor.clone(),
    );
    started(&steps, 2).await;
    let (drained, took) = running.end().await;
    assert_eq!(drained, Drained { given_up: 0 });
    assert!(took > 4 * A_SECOND && took <= 5 * A_SECOND, "it took {took:?}");
    assert_eq!((steps.of("p"), steps.of("q")), (vec![0], vec![0]));
    let rest: Vec<String> = (1..10).map(|number| format!("p-{number}")).collect();
    assert_eq!(source.visible(), rest);
    assert!(!monitor.is_ready() && monitor.is_draining());
}

#[tokio::test(start_paused = true)]
async fn a_drain_that_takes_too_long_gives_everything_back() {
    let settings = Settings::default().drain_timeout(Duration::from_secs(3));
    let running = start(
        standard(4, |number| slow(number, if number == 0 { 0 } else { 50_000 })),
        settings,
    );
    let (steps, source) = (running.steps.clone(), Arc::clone(&running.source));
    started(&steps, 4).await;
    let (drained, took) = running.end().await;
    assert_eq!(drained, Drained { given_up: 3 });
    assert_eq!(took.as_secs(), 3);
    assert_eq!(source.visible(), ["m-1", "m-2", "m-3"]);
}

#[tokio::test(start_paused = true)]
async fn an_idle_worker_ends_within_moments() {
    let running = start(MemorySource::standard(), Settings::default());
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert!(running.monitor.is_ready());
    let (drained, took) = running.end().await;
    assert!(drained.given_up == 0 && took <= A_SECOND, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn what_arrives_while_the_worker_ends_is_given_back() {
    let running = start(MemorySource::standard(), Settings::default());
    tokio::time::sleep(A_SECOND).await;
    let (steps, source) = (running.steps.clone(), Arc::clone(&running.source));
    let late = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        source.send(delivery_of("late", an_event("Parcel", "p", step(0)).to_json()));
    };
    let ((drained, _), ()) = tokio::join!(running.end(), late);
    assert_eq!((drained.given_up, steps.started()), (0, 0));
    assert_eq!(source.visible(), ["late"]);
}

#[tokio::test(start_paused = true)]
async fn two_workers_on_one_queue_and_one_ledger_share_the_work() {
    // The second worker shares the queue; its consumer has the same name and the same tables.
    let source = standard(300, |number| slow(number, 5));
    let running = start(source, Settings::default().in_flight_max(20));
    let clock = VirtualClock::showing(Environment::system().clock().now());
    let environment = Environment::new(Arc::new(clock), Arc::new(SeededRandom::new(8)));
    let consumer = Consumer::named("parcel-view").atomic(running.steps.clone());
    let engine = Engine::new(
        consumer,
        running.database.clone(),
        Ledger::new(Table::new("ledger")),
        environment,
    );
    let settings = Settings::default().in_flight_max(20);
    let second = Worker::new(engine, running.source.clone(), running.source.clone(), settings);
    let monitor = second.monitor();
    let second = tokio::spawn(second.run(std::future::pending()));
    running.source.emptied().await;
    let (one, two) = (running.monitor.tally().handled, monitor.tally().handled);
    assert!(one > 0 && two > 0 && one + two == 300, "{one} + {two}");
    second.abort();
}

#[tokio::test(start_paused = true)]
async fn redelivery_backs_off_and_ends_in_the_dead_letter_queue() {
    let source = MemorySource::standard();
    let event = an_event(
        "Parcel",
        "p",
        Step {
            fails_times: 99,
            ..step(0)
        },
    );
    source.send(delivery_of("m", event.to_json()));
    let of_engine = onecommit_engine::Settings::default().redelivery_backoff(Backoff {
        first: Duration::from_secs(4),
        longest: Duration::from_secs(60),
    });
    let running = start_with(source, Settings::default(), of_engine);
    running.source.emptied().await;
    assert_eq!(running.source.received().len(), 5);
    assert_eq!(running.source.parked().len(), 1);
}

/// A queue that does not answer the first requests to delete.
struct Hanging {
    source: Arc<MemorySource>,
    deletes_that_hang: AtomicUsize,
}

#[async_trait::async_trait]
impl Source for Hanging {
    async fn receive(&self, most: usize, wait: Duration, visibility: Duration) -> Result<Vec<Delivery>, SourceError> {
        self.source.receive(most, wait, visibility).await
    }

    async fn delete(&self, receipts: &[Receipt]) -> Vec<Result<(), SourceError>> {
        let left = |left: usize| left.checked_sub(1);
        if self
            .deletes_that_hang
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, left)
            .is_ok()
        {
            std::future::pending().await
        }
        self.source.delete(receipts).await
    }

    async fn extend(&self, receipts: &[Receipt], visibility: Duration) -> Vec<Result<(), SourceError>> {
        self.source.extend(receipts, visibility).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_does_not_answer_takes_no_place_for_ever() {
    let source = Arc::new(standard(3, step));
    let hanging = Hanging {
        source: source.clone(),
        deletes_that_hang: AtomicUsize::new(4),
    };
    let clock = VirtualClock::showing(Environment::system().clock().now());
    let environment = Environment::new(Arc::new(clock), Arc::new(SeededRandom::new(9)));
    let consumer = Consumer::named("parcel-view").atomic(Steps::default());
    let ledger = Ledger::new(Table::new("ledger"));
    let engine = Engine::new(consumer, Arc::new(MemoryDatabase::default()), ledger, environment);
    let settings = Settings::default().in_flight_max(1);
    let worker = Worker::new(engine, Arc::new(hanging), source.clone(), settings);
    let worker = tokio::spawn(worker.run(std::future::pending()));
    source.emptied().await;
    worker.abort();
}
