//! What the relay promises, on tables in memory and a destination that does as it is told.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use onecommit_engine::{
    DatabaseError, Deadline, EventLog, Item, ParkReason, QueueError, Table, TableReader, TransientKind,
};
use onecommit_environment::{Clock, Environment, SeededRandom, Timestamp};
use onecommit_event::{Aggregate, Event, Metadata, NewEvent, Payload};
use onecommit_event_store::EventStore;
use onecommit_publish::{Destination, DestinationError, EntryError, FailureKind, Limits, Outgoing, Publisher};
use onecommit_relay::{Backfill, BackfillError, Outcome, Recovered, Relay, RelaySettings, StreamRecord};
use onecommit_testing::{MemoryDatabase, MemoryQueue, VirtualClock};
use serde::{Deserialize, Serialize};

mod unmarked;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Counted {
    number: u64,
}

impl Payload for Counted {
    const EVENT_TYPE: &'static str = "Counted";
}

const NOW_MS: i64 = 1_800_000_000_000;

/// Takes everything, but for what it was told.
#[derive(Default)]
struct Outside {
    taken: Mutex<Vec<Event>>,
    /// Blames by event id.
    refuses: Mutex<HashMap<String, FailureKind>>,
    is_down: Mutex<Option<FailureKind>>,
    /// The size of every request.
    requests: Mutex<Vec<usize>>,
    /// How long every answer takes.
    answers_after: Mutex<Duration>,
}

#[async_trait]
impl Destination for Outside {
    fn name(&self) -> &'static str {
        "outside"
    }
    fn limits(&self) -> Limits {
        Limits {
            entries_max: 10,
            entry_bytes_max: 100_000,
            batch_bytes_max: 100_000,
        }
    }
    fn bytes(&self, event: &Outgoing) -> usize {
        event.json.len()
    }
    async fn send(&self, batch: &[&Outgoing]) -> Result<Vec<Result<String, EntryError>>, DestinationError> {
        self.requests.lock().unwrap().push(batch.len());
        let answers_after = *self.answers_after.lock().unwrap();
        if !answers_after.is_zero() {
            tokio::time::sleep(answers_after).await;
        }
        if let Some(blame) = *self.is_down.lock().unwrap() {
            let message = "down".to_owned();
            return Err(DestinationError { blame, message });
        }
        let one = |outgoing: &&Outgoing| match self.refuses.lock().unwrap().get(&outgoing.event.id().to_string()) {
            Some(blame) => Err(EntryError {
                blame: *blame,
                message: "no".to_owned(),
            }),
            None => {
                self.taken.lock().unwrap().push(outgoing.event.clone());
                Ok("taken".to_owned())
            }
        };
        Ok(batch.iter().map(one).collect())
    }
}

impl Outside {
    /// The versions that were taken of each stream, in the order they first came.
    fn versions(&self) -> BTreeMap<String, Vec<u64>> {
        let mut versions: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for event in &*self.taken.lock().unwrap() {
            let of_stream = versions.entry(event.aggregate().id().to_owned()).or_default();
            let version = event.metadata().sequence.unwrap();
            if !of_stream.contains(&version) {
                of_stream.push(version);
            }
        }
        versions
    }

    fn of(&self, stream: &str) -> Vec<u64> {
        self.versions().remove(stream).unwrap_or_default()
    }

    fn copies(&self) -> usize {
        let taken = self.taken.lock().unwrap();
        let ids: HashSet<_> = taken.iter().map(Event::id).collect();
        taken.len() - ids.len()
    }
}

struct World {
    tables: Arc<MemoryDatabase>,
    store: EventStore,
    outside: Arc<Outside>,
    dead_letters: Arc<MemoryQueue>,
    clock: Arc<VirtualClock>,
    environment: Environment,
    log: EventLog,
}

impl World {
    fn new() -> Self {
        Self::with(EventLog::new(Table::new("events")).with_pending_marks())
    }

    /// Whose events are appended without a mark.
    fn without_marks() -> Self {
        Self::with(EventLog::new(Table::new("events")))
    }

    fn with(log: EventLog) -> Self {
        let tables = Arc::new(MemoryDatabase::default());
        let clock = Arc::new(VirtualClock::showing(Timestamp::from_unix_ms(NOW_MS)));
        let environment = Environment::new(clock.clone(), Arc::new(SeededRandom::new(1)));
        let store = EventStore::new(tables.clone(), log.clone(), environment.clone());
        Self {
            tables,
            store,
            outside: Arc::default(),
            dead_letters: Arc::default(),
            clock,
            environment,
            log,
        }
    }

    /// The same table, appended to with or without marks from now on.
    fn with_log(self, is_marked: bool) -> Self {
        let log = EventLog::new(self.log.table().clone());
        let log = if is_marked { log.with_pending_marks() } else { log };
        let store = EventStore::new(self.tables.clone(), log.clone(), self.environment.clone());
        Self { store, log, ..self }
    }

    /// A relay that remembers nothing: a process that was just started.
    fn relay(&self) -> Relay {
        self.relay_to(vec![self.outside.clone()])
    }

    fn relay_to(&self, destinations: Vec<Arc<dyn Destination>>) -> Relay {
        let publisher = Publisher::new(destinations, self.environment.clone());
        Relay::new(
            self.tables.clone(),
            self.log.clone(),
            publisher,
            self.dead_letters.clone(),
            self.environment.clone(),
        )
    }

    async fn append(&self, id: &str, expected_version: u64, count: u64) -> Vec<Event> {
        let events = (0..count)
            .map(|number| NewEvent::of(&Counted { number }).unwrap())
            .collect();
        let stream = stream(id);
        self.store
            .append(&stream, expected_version, events, &Metadata::starting("test"))
            .await
            .unwrap()
    }

    async fn row(&self, id: &str, version: u64) -> Item {
        let key = EventLog::key(&stream(id), version);
        self.tables.get(self.log.table(), &key).await.unwrap().unwrap()
    }

    /// What the table's stream tells of these rows.
    async fn records(&self, rows: &[(&str, u64)]) -> Vec<StreamRecord> {
        let mut records = Vec::new();
        for (id, version) in rows {
            records.push(StreamRecord {
                written_at: self.clock.now(),
                row: self.row(id, *version).await,
            });
        }
        records
    }

    async fn is_stuck(&self, id: &str, version: u64) -> bool {
        EventLog::is_stuck(&self.row(id, version).await)
    }

    async fn is_pending(&self, id: &str, version: u64) -> bool {
        EventLog::is_pending(&self.row(id, version).await)
    }
}

fn stream(id: &str) -> Aggregate {
    Aggregate::new("Counter", id).unwrap()
}

fn unavailable() -> DatabaseError {
    DatabaseError::Transient(TransientKind::Unavailable, "no answer".into())
}

fn done(outcomes: &[Outcome]) -> bool {
    outcomes.iter().all(|outcome| *outcome == Outcome::Done)
}

#[tokio::test(start_paused = true)]
async fn what_was_committed_leaves_once_in_order_and_is_pending_no_more() {
    let world = World::new();
    for id in ["a", "b", "c"] {
        world.append(id, 0, 3).await;
    }
    let records = world
        .records(&[
            ("b", 2),
            ("a", 3),
            ("a", 1),
            ("c", 1),
            ("b", 1),
            ("a", 2),
            ("c", 3),
            ("c", 2),
            ("b", 3),
        ])
        .await;
    let relay = world.relay();
    let before = world.tables.requests();
    assert!(done(&relay.relay(&records, Deadline::none()).await));
    assert_eq!(world.tables.requests() - before, 1, "only the marks are cleared");
    for id in ["a", "b", "c"] {
        assert_eq!(world.outside.of(id), [1, 2, 3]);
        assert!(!world.is_pending(id, 3).await);
    }
    assert_eq!(
        *world.outside.requests.lock().unwrap(),
        [3, 3, 3],
        "one event of each in a request"
    );
    assert_eq!(world.outside.copies(), 0);
    assert_eq!(relay.take_tally().published, 9);
}

#[tokio::test(start_paused = true)]
async fn what_the_stream_has_not_told_of_yet_is_read_from_the_table_and_leaves_first() {
    let world = World::new();
    world.append("a", 0, 6).await;
    let relay = world.relay();
    // Three of a transaction of six, the middle ones last.
    assert!(done(
        &relay
            .relay(&world.records(&[("a", 1), ("a", 6)]).await, Deadline::none())
            .await
    ));
    assert_eq!(world.outside.of("a"), [1, 2, 3, 4, 5, 6]);
    assert_eq!(relay.take_tally().fetched, 4);
    let late = world.records(&[("a", 3), ("a", 2), ("a", 4), ("a", 5)]).await;
    assert!(done(&relay.relay(&late, Deadline::none()).await));
    assert_eq!(world.outside.copies(), 0, "their records come later and change nothing");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_remembers_nothing_finds_what_has_to_leave_first() {
    let world = World::new();
    world.append("a", 0, 40).await;
    let first = world.records(&[("a", 1), ("a", 2)]).await;
    assert!(done(&world.relay().relay(&first, Deadline::none()).await));
    assert!(done(
        &world
            .relay()
            .relay(&world.records(&[("a", 40)]).await, Deadline::none())
            .await
    ));
    assert_eq!(world.outside.of("a"), (1..=40).collect::<Vec<_>>());
    assert_eq!(world.outside.copies(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_the_marks_are_cleared_only_repeats() {
    let world = World::new();
    world.append("a", 0, 5).await;
    let records = world.records(&[("a", 1), ("a", 2)]).await;
    world.tables.fail_next(unavailable());
    assert!(
        done(&world.relay().relay(&records, Deadline::none()).await),
        "they left"
    );
    assert!(world.is_pending("a", 1).await);
    assert!(done(
        &world
            .relay()
            .relay(&world.records(&[("a", 5)]).await, Deadline::none())
            .await
    ));
    assert_eq!(world.outside.of("a"), [1, 2, 3, 4, 5]);
    assert_eq!(world.outside.copies(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_version_that_is_missing_is_waited_for_and_then_passed_with_an_alarm() {
    let world = World::new();
    world.append("a", 0, 2).await;
    world.append("a", 5, 1).await;
    world.append("b", 0, 1).await;
    let records = world.records(&[("a", 1), ("a", 2), ("a", 6), ("b", 1)]).await;
    let relay = world.relay();
    let outcomes = relay.relay(&records, Deadline::none()).await;
    let Outcome::Retry(why) = &outcomes[2] else {
        panic!("{outcomes:?}")
    };
    assert!(why.contains("version 3 of Counter#a"), "{why}");
    assert!(
        done(&outcomes[..2]) && done(&outcomes[3..]),
        "only what follows the gap waits"
    );
    assert_eq!((world.outside.of("a"), relay.take_tally().gaps_passed), (vec![1, 2], 0));

    world.clock.sleep(RelaySettings::default().gap_patience).await;
    assert!(done(&relay.relay(&records[2..3], Deadline::none()).await));
    assert_eq!(world.outside.of("a"), [1, 2, 6]);
    assert_eq!(relay.take_tally().gaps_passed, 3);
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_is_down_gets_everything_when_it_is_up_again() {
    for blame in [FailureKind::Passing, FailureKind::Destination] {
        let world = World::new();
        world.append("a", 0, 3).await;
        let records = world.records(&[("a", 1), ("a", 2), ("a", 3)]).await;
        let relay = world.relay();
        *world.outside.is_down.lock().unwrap() = Some(blame);
        for _ in 0..20 {
            let outcomes = relay.relay(&records, Deadline::none()).await;
            assert!(
                outcomes
                    .iter()
                    .all(|outcome| matches!(outcome, Outcome::Retry(why) if why.contains("down")))
            );
        }
        let is_gone = blame == FailureKind::Destination;
        assert_eq!(relay.take_tally().destinations_gone > 0, is_gone);
        assert!(world.dead_letters.parked().is_empty());
        *world.outside.is_down.lock().unwrap() = None;
        assert!(done(&relay.relay(&records, Deadline::none()).await));
        assert_eq!((world.outside.of("a"), world.outside.copies()), (vec![1, 2, 3], 0));
        assert_eq!(relay.take_tally().destinations_gone, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_is_gone_is_counted_once_a_round() {
    let world = World::new();
    let names: Vec<String> = (0..5).map(|number| format!("s{number}")).collect();
    for name in &names {
        world.append(name, 0, 1).await;
    }
    let records: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), 1)).collect();
    let records = world.records(&records).await;
    *world.outside.is_down.lock().unwrap() = Some(FailureKind::Destination);
    let relay = world.relay();
    relay.relay(&records, Deadline::none()).await;
    let tally = relay.take_tally();
    let rounds = world.outside.requests.lock().unwrap().len() as u64;
    assert_eq!((tally.destinations_gone, tally.parked, tally.stuck), (rounds, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_not_taken_for_now_holds_back_its_own_aggregate_only() {
    let world = World::new();
    let stuck = world.append("a", 0, 3).await[1].id().to_string();
    world.append("b", 0, 3).await;
    world
        .outside
        .refuses
        .lock()
        .unwrap()
        .insert(stuck.clone(), FailureKind::Passing);
    let records = world
        .records(&[("a", 1), ("a", 2), ("a", 3), ("b", 1), ("b", 2), ("b", 3)])
        .await;
    let relay = world.relay();
    let outcomes = relay.relay(&records, Deadline::none()).await;
    let left: Vec<bool> = outcomes.iter().map(|outcome| *outcome == Outcome::Done).collect();
    assert_eq!(left, [true, false, false, true, true, true]);
    assert_eq!(world.outside.of("a"), [1], "nothing overtakes it");
    world.outside.refuses.lock().unwrap().clear();
    // Lambda hands everything in again, from the first that failed on.
    assert!(done(&relay.relay(&records[1..], Deadline::none()).await));
    assert_eq!(world.outside.of("a"), [1, 2, 3]);
    assert_eq!(world.outside.copies(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_a_destination_refuses_is_parked_with_its_reason_and_what_follows_leaves() {
    let world = World::new();
    let poison = world.append("a", 0, 3).await[1].clone();
    world
        .outside
        .refuses
        .lock()
        .unwrap()
        .insert(poison.id().to_string(), FailureKind::Event);
    let records = world.records(&[("a", 1), ("a", 2), ("a", 3)]).await;
    let relay = world.relay();
    assert!(done(&relay.relay(&records, Deadline::none()).await));
    assert_eq!(world.outside.of("a"), [1, 3]);
    let parked = world.dead_letters.parked();
    let [(delivery, reason, error)] = &parked[..] else {
        panic!("{parked:?}")
    };
    assert_eq!(*reason, ParkReason::DestinationRefused);
    assert_eq!(delivery.body, poison.to_json());
    assert!(error.contains("outside: no"), "{error}");
    assert_eq!(
        *world.outside.requests.lock().unwrap(),
        [1, 1, 1, 1, 1],
        "it was tried three times"
    );
    assert!(!world.is_pending("a", 2).await);
}

#[tokio::test(start_paused = true)]
async fn what_can_be_neither_published_nor_parked_is_stepped_over() {
    let world = World::new();
    let poison = world.append("a", 0, 3).await[1].id().to_string();
    world.append("b", 0, 1).await;
    world.outside.refuses.lock().unwrap().insert(poison, FailureKind::Event);
    world
        .dead_letters
        .refuse(|| QueueError::Transient("the queue is down".into()));
    let relay = world.relay();
    let records = world.records(&[("a", 1), ("a", 2), ("a", 3), ("b", 1)]).await;
    let outcomes = relay.relay(&records, Deadline::none()).await;
    assert!(
        matches!(&outcomes[..], [
            Outcome::Done,
            Outcome::SteppedOver(why),
            Outcome::SteppedOver(_),
            Outcome::Done
        ] if why.contains("the queue is down")),
        "{outcomes:?}"
    );
    assert_eq!(world.outside.of("a"), [1], "nothing of its aggregate overtakes it");
    assert!(world.is_stuck("a", 2).await && world.is_pending("a", 3).await);
    assert_eq!(relay.take_tally().stuck, 1);
}

#[tokio::test(start_paused = true)]
async fn a_stuck_event_does_not_keep_others_from_being_recovered() {
    let world = World::new();
    let names: Vec<String> = (0..40).map(|number| format!("s{number:02}")).collect();
    for (number, name) in names.iter().enumerate() {
        let events = world.append(name, 0, 2).await;
        if number % 2 == 0 {
            let blame = if number % 4 == 0 {
                FailureKind::Event
            } else {
                FailureKind::Passing
            };
            world
                .outside
                .refuses
                .lock()
                .unwrap()
                .insert(events[0].id().to_string(), blame);
        }
    }
    world.dead_letters.refuse(|| QueueError::Refused("in no form".into()));
    world.clock.sleep(Duration::from_secs(3_600)).await;
    let relay = world.relay();
    let recovered = relay.recover(Duration::from_secs(900), Deadline::none()).await.unwrap();
    let versions = world.outside.versions();
    assert!(
        names.iter().skip(1).step_by(2).all(|name| versions[name] == [1, 2]),
        "{versions:?}"
    );
    assert!(recovered.stuck > 0, "{recovered:?}");

    // Whatever was in the way is gone; what was stepped over leaves, and all that waited behind it.
    world.outside.refuses.lock().unwrap().clear();
    let recovered = world
        .relay()
        .recover(Duration::from_secs(900), Deadline::none())
        .await
        .unwrap();
    assert_eq!((recovered.left_over, recovered.complete), (0, true));
    assert!(names.iter().all(|name| world.outside.of(name) == [1, 2]));
}

#[tokio::test(start_paused = true)]
async fn what_waits_behind_a_stuck_event_is_recovered_with_it_whatever_its_age() {
    let world = World::new();
    let poison = world.append("a", 0, 2).await[0].id().to_string();
    world.outside.refuses.lock().unwrap().insert(poison, FailureKind::Event);
    world
        .dead_letters
        .refuse(|| QueueError::Transient("the queue is down".into()));
    let relay = world.relay();
    relay
        .relay(&world.records(&[("a", 1), ("a", 2)]).await, Deadline::none())
        .await;
    world.append("a", 2, 40).await;
    let late = relay.relay(&world.records(&[("a", 42)]).await, Deadline::none()).await;
    assert!(matches!(&late[..], [Outcome::SteppedOver(_)]), "{late:?}");
    world.outside.refuses.lock().unwrap().clear();
    world
        .relay()
        .recover(Duration::from_secs(900), Deadline::none())
        .await
        .unwrap();
    assert_eq!(world.outside.of("a"), (1..=42).collect::<Vec<_>>());
}

/// Hands records in as Lambda does - from the first that has to be, within a minute - until all are done. Gives how
/// many invocations that took, and whether one did not end in time.
async fn invoke(
    world: &World,
    mut records: Vec<StreamRecord>,
    relay: impl Fn() -> Relay,
    most: usize,
) -> (usize, bool) {
    const TIMEOUT: Duration = Duration::from_secs(60);
    let mut overran = false;
    for invocations in 1..=most {
        let relay = relay();
        let deadline = Deadline::after(TIMEOUT, &*world.clock);
        match tokio::time::timeout(TIMEOUT, relay.relay(&records, deadline)).await {
            Err(_) => overran = true,
            Ok(outcomes) => {
                let first = outcomes.iter().position(|outcome| matches!(outcome, Outcome::Retry(_)));
                let Some(first) = first else {
                    return (invocations, overran);
                };
                records.drain(..first);
            }
        }
    }
    (most + 1, overran)
}

#[tokio::test(start_paused = true)]
async fn a_slow_destination_gets_everything_in_as_much_time_as_it_needs() {
    let world = World::new();
    world.append("a", 0, 60).await;
    world.append("b", 0, 12).await;
    *world.outside.answers_after.lock().unwrap() = Duration::from_secs(4);
    let versions = |id, last| (1..=last).map(move |version| (id, version));
    let records: Vec<(&str, u64)> = versions("a", 60).chain(versions("b", 12)).collect();
    let records = world.records(&records).await;
    // Each invocation is another process, which remembers nothing.
    let (invocations, overran) = invoke(&world, records, || world.relay(), 20).await;
    assert!(
        invocations <= 6 && !overran,
        "{invocations} invocations, one overran: {overran}"
    );
    assert_eq!(world.outside.of("a"), (1..=60).collect::<Vec<_>>());
    assert_eq!(world.outside.of("b"), (1..=12).collect::<Vec<_>>());
    assert_eq!(world.outside.copies(), 0, "progress is kept");
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_does_not_answer_in_time_does_not_hold_the_invocation() {
    let world = World::new();
    world.append("a", 0, 2).await;
    *world.outside.answers_after.lock().unwrap() = Duration::from_secs(3_600);
    let records = world.records(&[("a", 1), ("a", 2)]).await;
    let (_, overran) = invoke(&world, records, || world.relay(), 3).await;
    assert!(!overran);
}

#[tokio::test(start_paused = true)]
async fn what_one_destination_took_is_not_sent_there_again_while_another_is_down() {
    let world = World::new();
    for id in ["a", "b", "c"] {
        world.append(id, 0, 2).await;
    }
    let records = world
        .records(&[("a", 1), ("b", 1), ("c", 1), ("a", 2), ("b", 2), ("c", 2)])
        .await;
    let down = Arc::new(Outside::default());
    *down.is_down.lock().unwrap() = Some(FailureKind::Passing);
    let relay = world.relay_to(vec![world.outside.clone(), down.clone()]);
    for _ in 0..100 {
        let deadline = Deadline::after(Duration::from_secs(60), &*world.clock);
        relay.relay(&records, deadline).await;
    }
    assert_eq!((world.outside.versions().len(), world.outside.copies()), (3, 0));
    *down.is_down.lock().unwrap() = None;
    assert!(done(&relay.relay(&records, Deadline::none()).await));
    assert_eq!((world.outside.copies(), down.copies()), (0, 0));
    assert!(
        ["a", "b", "c"]
            .iter()
            .all(|id| world.outside.of(id) == [1, 2] && down.of(id) == [1, 2])
    );
}

#[tokio::test(start_paused = true)]
async fn a_destination_that_is_gone_is_asked_rarely_and_nothing_is_parked_for_it() {
    let world = World::new();
    for number in 0..100 {
        world.append(&format!("s{number}"), 0, 1).await;
    }
    let names: Vec<String> = (0..100).map(|number| format!("s{number}")).collect();
    let records: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), 1)).collect();
    let records = world.records(&records).await;
    *world.outside.is_down.lock().unwrap() = Some(FailureKind::Destination);
    let relay = world.relay();
    let back_at = world.clock.now().plus(Duration::from_secs(3_600));
    while world.clock.now() < back_at {
        let deadline = Deadline::after(Duration::from_secs(60), &*world.clock);
        relay.relay(&records, deadline).await;
    }
    let requests = world.outside.requests.lock().unwrap().len();
    assert!(requests <= 400, "{requests} requests in an hour");
    assert!(world.dead_letters.parked().is_empty());

    *world.outside.is_down.lock().unwrap() = None;
    let deadline = Deadline::after(Duration::from_secs(60), &*world.clock);
    assert!(
        done(&relay.relay(&records, deadline).await),
        "the next invocation finds it"
    );
}

#[tokio::test(start_paused = true)]
async fn a_failing_request_is_sent_once_for_each_try() {
    let world = World::new();
    world.append("a", 0, 1).await;
    *world.outside.is_down.lock().unwrap() = Some(FailureKind::Passing);
    let records = world.records(&[("a", 1)]).await;
    world.relay().relay(&records, Deadline::none()).await;
    let tries = RelaySettings::default().tries_max as usize;
    assert_eq!(*world.outside.requests.lock().unwrap(), vec![1; tries]);
}

#[tokio::test(start_paused = true)]
async fn a_backlog_is_read_page_by_page() {
    let world = World::new();
    for version in (0..900).step_by(100) {
        world.append("a", version, 100).await;
    }
    let relay = world.relay();
    let deadline = Deadline::after(Duration::from_secs(10), &*world.clock);
    *world.outside.answers_after.lock().unwrap() = Duration::from_millis(100);
    let before = world.tables.requests();
    let outcomes = relay.relay(&world.records(&[("a", 900)]).await, deadline).await;
    assert!(matches!(&outcomes[..], [Outcome::Retry(_)]));
    let left = world.outside.of("a").len() as u64;
    assert!((50..100).contains(&left), "{left} left in the time there was");
    let fetched = relay.take_tally().fetched;
    assert!(fetched <= left + 25, "{fetched} rows were read for them");
    assert!(
        world.tables.requests() - before < 30,
        "nor was the backlog looked through"
    );
}

#[tokio::test(start_paused = true)]
async fn a_row_that_holds_no_event_is_parked_and_what_follows_leaves() {
    let world = World::new();
    world.append("a", 0, 3).await;
    let mut records = world.records(&[("a", 1), ("a", 2), ("a", 3)]).await;
    records[1].row.insert("event".to_owned(), "{broken".into());
    // An event under another version than its own would break the order of those who trust its sequence.
    let of_another = records[0].row["event"].clone();
    records[2].row.insert("event".to_owned(), of_another);
    assert!(done(&world.relay().relay(&records, Deadline::none()).await));
    assert_eq!(world.outside.of("a"), [1]);
    let parked = world.dead_letters.parked();
    assert_eq!(parked.len(), 2);
    assert!(parked.iter().all(|(_, reason, _)| *reason == ParkReason::InvalidEvent));
    assert!(parked[0].0.body.contains("{broken") && parked[0].0.body.contains("Counter#a"));
}

#[tokio::test(start_paused = true)]
async fn an_event_in_the_stream_of_another_aggregate_is_parked() {
    let world = World::new();
    world.append("a", 0, 2).await;
    world.append("b", 0, 1).await;
    let mut records = world.records(&[("a", 1), ("a", 2), ("b", 1)]).await;
    // Whoever may write only the streams of `a` would speak for `b` with it.
    let of_another = records[2].row["event"].clone();
    records[0].row.insert("event".to_owned(), of_another);
    assert!(done(&world.relay().relay(&records, Deadline::none()).await));
    assert_eq!((world.outside.of("a"), world.outside.of("b")), (vec![2], vec![1]));
    assert_eq!(world.outside.copies(), 0);
    let parked = world.dead_letters.parked();
    assert_eq!(parked.len(), 1);
    let (delivery, reason, error) = &parked[0];
    assert_eq!(
        (delivery.message_id.as_str(), *reason),
        ("Counter#a#1", ParkReason::InvalidEvent)
    );
    assert!(error.contains("another aggregate"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn snapshots_and_records_told_twice_are_passed_over() {
    let world = World::new();
    world.append("a", 0, 1).await;
    let mut records = world.records(&[("a", 1), ("a", 1)]).await;
    records[0].row.insert("version".to_owned(), 0.into());
    let again = records[1].clone();
    records.push(again);
    assert!(done(&world.relay().relay(&records, Deadline::none()).await));
    assert_eq!((world.outside.of("a"), world.outside.copies()), (vec![1], 0));
    assert!(world.dead_letters.parked().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_table_that_does_not_answer_holds_back_what_needs_it() {
    let world = World::new();
    world.append("a", 0, 2).await;
    world.append("b", 0, 1).await;
    let records = world.records(&[("a", 2), ("b", 1)]).await;
    world.tables.fail_next(unavailable());
    let outcomes = world.relay().relay(&records, Deadline::none()).await;
    assert!(
        matches!(&outcomes[..], [Outcome::Retry(why), Outcome::Done] if why.contains("no answer")),
        "{outcomes:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_is_published_when_no_time_is_left_to_settle_it() {
    let world = World::new();
    world.append("a", 0, 1).await;
    let deadline = Deadline::after(Duration::from_secs(1), &*world.clock);
    let outcomes = world.relay().relay(&world.records(&[("a", 1)]).await, deadline).await;
    assert!(matches!(&outcomes[..], [Outcome::Retry(_)]));
    assert!(world.outside.versions().is_empty());
}

#[tokio::test(start_paused = true)]
async fn after_an_outage_longer_than_the_stream_remembers_everything_leaves_in_order() {
    let world = World::new();
    for number in 0..60 {
        world.append(&format!("s{number:02}"), 0, 3).await;
    }
    assert!(done(
        &world
            .relay()
            .relay(&world.records(&[("s00", 1), ("s00", 2)]).await, Deadline::none())
            .await
    ));
    world.clock.sleep(Duration::from_secs(48 * 3600)).await;
    world.append("young", 0, 1).await;

    let relay = world.relay();
    let recovered = relay.recover(Duration::from_secs(900), Deadline::none()).await.unwrap();
    assert_eq!((recovered.left_over, recovered.complete), (0, true));
    let versions = world.outside.versions();
    assert_eq!(versions.len(), 60, "what is young is left to the stream");
    assert!(versions.values().all(|versions| *versions == [1, 2, 3]), "{versions:?}");
    assert_eq!(world.outside.copies(), 0);
    let again = relay.recover(Duration::from_secs(900), Deadline::none()).await.unwrap();
    assert_eq!((again.found, again.complete), (0, true));
}

#[tokio::test(start_paused = true)]
async fn a_recovery_while_a_destination_is_down_ends_and_a_later_one_finishes() {
    let world = World::new();
    world.append("a", 0, 3).await;
    world.clock.sleep(Duration::from_secs(3600)).await;
    *world.outside.is_down.lock().unwrap() = Some(FailureKind::Passing);
    let relay = world.relay();
    let recovered = relay.recover(Duration::from_secs(900), Deadline::none()).await.unwrap();
    let stuck = Recovered {
        found: 3,
        left_over: 3,
        stuck: 0,
        complete: false,
    };
    assert_eq!(recovered, stuck);
    *world.outside.is_down.lock().unwrap() = None;
    let recovered = relay.recover(Duration::from_secs(900), Deadline::none()).await.unwrap();
    assert!(recovered.complete);
    assert_eq!(world.outside.of("a"), [1, 2, 3]);
}

async fn backfill(world: &World, backfill: &Backfill) -> Result<Vec<u64>, BackfillError> {
    let publisher = Publisher::new(vec![world.outside.clone()], world.environment.clone());
    let mut told = Vec::new();
    let note = |progress: &onecommit_relay::BackfillProgress| told.push(progress.published);
    let end = backfill.run(&world.store, &publisher, &world.environment, note).await?;
    assert_eq!(told.last(), Some(&end.published));
    Ok(vec![end.seen, end.matching, end.published])
}

#[tokio::test(start_paused = true)]
async fn a_backfill_publishes_the_range_it_was_asked_for_in_order() {
    let world = World::new();
    for id in ["a", "b"] {
        world.append(id, 0, 30).await;
    }
    let everything = backfill(&world, &Backfill::default()).await.unwrap();
    assert_eq!(everything, [60, 60, 60]);
    for id in ["a", "b"] {
        assert_eq!(world.outside.of(id), (1..=30).collect::<Vec<_>>());
    }
    world.outside.taken.lock().unwrap().clear();
    let of_stream = Backfill {
        stream: Some(stream("b")),
        ..Backfill::default()
    };
    assert_eq!(backfill(&world, &of_stream).await.unwrap(), [30, 30, 30]);
    assert_eq!(world.outside.versions().into_keys().collect::<Vec<_>>(), ["b"]);
    world.outside.taken.lock().unwrap().clear();
    let none = [
        Backfill {
            event_types: ["Other".to_owned()].into(),
            ..Backfill::default()
        },
        Backfill {
            from: Some(Timestamp::from_unix_ms(NOW_MS + 1)),
            ..Backfill::default()
        },
        Backfill {
            to: Some(Timestamp::from_unix_ms(NOW_MS)),
            ..Backfill::default()
        },
    ];
    for range in none {
        assert_eq!(backfill(&world, &range).await.unwrap(), [60, 0, 0]);
    }
    let dry_run = Backfill {
        dry_run: true,
        ..Backfill::default()
    };
    assert_eq!(backfill(&world, &dry_run).await.unwrap(), [60, 60, 0]);
    assert!(world.outside.versions().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_backfill_is_no_faster_than_it_may() {
    let world = World::new();
    for id in ["a", "b", "c"] {
        world.append(id, 0, 10).await;
    }
    let slowly = Backfill {
        per_second: Some(2),
        ..Backfill::default()
    };
    backfill(&world, &slowly).await.unwrap();
    assert!(
        world.clock.now().unix_ms() - NOW_MS >= 14_000,
        "thirty events at two a second"
    );
    assert_eq!(world.outside.of("c"), (1..=10).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_backfill_that_a_destination_stops_names_the_event() {
    let world = World::new();
    let refused = world.append("a", 0, 3).await[1].id().to_string();
    world
        .outside
        .refuses
        .lock()
        .unwrap()
        .insert(refused, FailureKind::Event);
    let error = backfill(&world, &Backfill::default()).await.unwrap_err().to_string();
    assert!(
        error.contains("Counter#a#2") && error.contains("outside: no"),
        "{error}"
    );
}
