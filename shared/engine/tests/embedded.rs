//! What a row promises that records by itself what it has taken, on tables in memory.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, too")]

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use onecommit_engine::{
    AlsoInLedger, Commit, Condition, Consumer, DatabaseError, Delivery, Failure, Key, MovedRow, ParkReason, Row,
    RowUpdate, Settings, Table, TransientKind, Value, Verdict, item_bytes,
};
use onecommit_environment::{Clock, Environment, SeededRandom, SystemClock, Timestamp};
use onecommit_event::{Event, EventId, Payload};
use onecommit_testing::{MemoryDatabase, TestConsumer, an_event, delivery_of};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Weighed {
    grams: i64,
}

impl Payload for Weighed {
    const EVENT_TYPE: &'static str = "Weighed";
}

/// A clock that is set by hand.
struct SetClock(AtomicI64);

#[async_trait]
impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.0.load(Ordering::Relaxed))
    }

    fn instant(&self) -> Instant {
        Instant::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

const DAY: Duration = Duration::from_secs(24 * 3600);

fn weighed(parcel: &str, grams: i64) -> Event {
    an_event("Parcel", parcel, Weighed { grams })
}

/// The same id with another content.
fn contradicting(event: &Event) -> Event {
    let mut json: serde_json::Value = serde_json::from_str(&event.to_json()).unwrap();
    json["payload"]["grams"] = 999.into();
    Event::from_json(&json.to_string()).unwrap()
}

fn by_parcel(event: &Event<Weighed>) -> Row {
    Table::new("weights").row(Key::new("pk", event.aggregate().id()))
}

fn by_day(_: &Event<Weighed>) -> Row {
    Table::new("weights").row(Key::new("pk", "today"))
}

async fn add(event: Event<Weighed>, row: RowUpdate) -> Result<RowUpdate, Failure> {
    Ok(row.add("grams", event.payload().grams))
}

async fn add_atomically(event: Event<Weighed>) -> Result<Commit, Failure> {
    let row = Key::new("pk", event.aggregate().id());
    Ok(Commit::of(
        Table::new("weights").update(row).add("grams", event.payload().grams),
    ))
}

fn embedded(name: &str) -> Consumer {
    Consumer::named(name).embedded(by_parcel, add)
}

/// Processes forget what they have handled, so that rows and ledger alone decide.
fn forgetful(consumer: Consumer) -> Consumer {
    consumer.with(Settings::default().remembered_max(0))
}

/// Each process has randomness of its own, or two would name different transactions by the same token.
fn environment(clock: impl Clock + 'static) -> Environment {
    static PROCESSES: AtomicU64 = AtomicU64::new(0);
    let seed = PROCESSES.fetch_add(1, Ordering::Relaxed);
    Environment::new(Arc::new(clock), Arc::new(SeededRandom::new(seed)))
}

fn process(tables: &Arc<MemoryDatabase>, consumer: Consumer) -> TestConsumer {
    TestConsumer::on(Arc::clone(tables), forgetful(consumer), environment(SystemClock))
}

fn process_at(tables: &Arc<MemoryDatabase>, consumer: Consumer, now: Timestamp) -> TestConsumer {
    let clock = SetClock(AtomicI64::new(now.unix_ms()));
    TestConsumer::on(Arc::clone(tables), forgetful(consumer), environment(clock))
}

fn grams(tables: &MemoryDatabase, pk: &str) -> Option<i64> {
    tables.row("weights", &[pk]).and_then(|row| row.get("grams")?.as_i64())
}

fn parked_as(verdict: &Verdict) -> Option<ParkReason> {
    match verdict {
        Verdict::Park { reason, .. } => Some(*reason),
        _ => None,
    }
}

fn sets_of(tables: &MemoryDatabase, pk: &str) -> Vec<String> {
    let row = tables.row("weights", &[pk]).unwrap_or_default();
    let sets = row.into_iter().filter(|(_, value)| matches!(value, Value::ByteSet(_)));
    sets.map(|(name, _)| name).collect()
}

// ------------------------------------------------------------ one write unit

#[tokio::test]
async fn an_embedded_change_is_one_request_one_write_unit_and_no_ledger_row() {
    let kit = TestConsumer::new(embedded("weights"));
    for number in 1..=40 {
        assert_eq!(kit.receive(&[&weighed("p", 1)]).await, [Verdict::Done]);
        let database = kit.database();
        assert_eq!((database.requests(), database.write_units()), (number, number));
    }
    assert_eq!(kit.database().count("ledger"), 0);
    assert_eq!(grams(kit.database(), "p"), Some(40));
    let bytes = item_bytes(&kit.row("weights", &["p"]).unwrap());
    assert!(bytes <= 1024, "{bytes} bytes are more than one write unit");
}

#[tokio::test]
async fn a_copy_in_another_process_is_one_refused_write() {
    let tables = Arc::default();
    let event = weighed("p", 7);
    assert_eq!(
        process(&tables, embedded("w")).receive(&[&event]).await,
        [Verdict::Done]
    );
    let before = tables.write_units();
    let copies = process(&tables, embedded("w")).receive(&[&event]).await;
    assert_eq!(copies, [Verdict::Duplicate]);
    assert_eq!(tables.write_units() - before, 1);
    assert_eq!(grams(&tables, "p"), Some(7));
}

#[tokio::test]
async fn copies_in_one_batch_change_the_row_once() {
    let tables = Arc::default();
    let event = weighed("p", 7);
    let verdicts = process(&tables, embedded("w")).receive(&[&event, &event, &event]).await;
    assert_eq!(verdicts.iter().filter(|verdict| **verdict == Verdict::Done).count(), 1);
    assert_eq!(
        verdicts
            .iter()
            .filter(|verdict| **verdict == Verdict::Duplicate)
            .count(),
        2
    );
    assert_eq!(grams(&tables, "p"), Some(7));
}

#[tokio::test]
async fn a_lost_answer_changes_the_row_once() {
    let tables: Arc<MemoryDatabase> = Arc::default();
    tables.lose_next_answer(DatabaseError::Transient(TransientKind::Unavailable, "no answer".into()));
    let verdicts = process(&tables, embedded("w")).receive(&[&weighed("p", 7)]).await;
    assert_eq!(verdicts, [Verdict::Duplicate]);
    assert_eq!(grams(&tables, "p"), Some(7));
}

#[tokio::test]
async fn another_event_of_the_same_id_is_parked() {
    let tables = Arc::default();
    let event = weighed("p", 7);
    process(&tables, embedded("w")).receive(&[&event]).await;
    let verdicts = process(&tables, embedded("w")).receive(&[&contradicting(&event)]).await;
    assert_eq!(parked_as(&verdicts[0]), Some(ParkReason::ContradictsHandled));
    assert_eq!(grams(&tables, "p"), Some(7));
}

#[tokio::test]
async fn two_consumers_share_a_row() {
    let tables = Arc::default();
    let event = weighed("p", 7);
    for consumer in ["a", "b"] {
        assert_eq!(
            process(&tables, embedded(consumer)).receive(&[&event]).await,
            [Verdict::Done]
        );
        assert_eq!(
            process(&tables, embedded(consumer)).receive(&[&event]).await,
            [Verdict::Duplicate]
        );
    }
    assert_eq!(grams(&tables, "p"), Some(14));
}

#[tokio::test]
async fn a_handler_runs_again_when_its_own_condition_fails() {
    let tables: Arc<MemoryDatabase> = Arc::default();
    let at = Arc::new(AtomicI64::new(1));
    let seen = Arc::clone(&at);
    let handler = move |_: Event<Weighed>, row: RowUpdate| {
        let version = seen.fetch_sub(1, Ordering::Relaxed);
        async move {
            Ok::<_, Failure>(
                row.set("version", version)
                    .only_if(Condition::absent("version").and(if version == 1 {
                        Condition::exists("none")
                    } else {
                        Condition::absent("none")
                    })),
            )
        }
    };
    let consumer = Consumer::named("w").embedded(by_parcel, handler);
    assert_eq!(
        process(&tables, consumer).receive(&[&weighed("p", 1)]).await,
        [Verdict::Done]
    );
    assert_eq!(at.load(Ordering::Relaxed), -1, "it ran twice");
    assert_eq!(tables.row("weights", &["p"]).unwrap()["version"], Value::from(0));
}

#[tokio::test]
async fn an_atomic_commit_on_the_same_row_leaves_its_marks() {
    let tables = Arc::default();
    let event = weighed("p", 7);
    process(&tables, embedded("w")).receive(&[&event]).await;
    let other = process(&tables, Consumer::named("other").atomic(add_atomically));
    assert_eq!(other.receive(&[&weighed("p", 1)]).await, [Verdict::Done]);
    assert_eq!(
        process(&tables, embedded("w")).receive(&[&event]).await,
        [Verdict::Duplicate]
    );
    assert_eq!(grams(&tables, "p"), Some(8));
}

// ------------------------------------------------------------ time

/// The boundary of a period after today, and the same of a process's clock.
fn after(event: &Event, time: Duration) -> Timestamp {
    event.timestamp().plus(time)
}

#[tokio::test]
async fn a_copy_is_recognised_for_as_long_as_it_is_accepted() {
    let tables: Arc<MemoryDatabase> = Arc::default();
    let event = weighed("p", 7);
    process_at(&tables, embedded("w"), event.timestamp())
        .receive(&[&event])
        .await;
    for day in 1..=29 {
        // The row goes on, so that sets rotate.
        let later = process_at(&tables, embedded("w"), after(&event, day * DAY));
        let other = fresh(&weighed("p", 1), after(&event, day * DAY));
        assert_eq!(later.receive(&[&other]).await, [Verdict::Done]);
        assert_eq!(later.receive(&[&event]).await, [Verdict::Duplicate], "after {day} days");
    }
    let too_late = process_at(&tables, embedded("w"), after(&event, 30 * DAY))
        .receive(&[&event])
        .await;
    assert_eq!(parked_as(&too_late[0]), Some(ParkReason::OlderThanTheLedger));
    assert_eq!(grams(&tables, "p"), Some(7 + 29));
}

/// The event at another time.
fn fresh(event: &Event, now: Timestamp) -> Event {
    let mut json: serde_json::Value = serde_json::from_str(&event.to_json()).unwrap();
    json["timestamp"] = now.to_string().into();
    Event::from_json(&json.to_string()).unwrap()
}

#[tokio::test]
async fn a_row_keeps_the_sets_of_its_window_only() {
    let tables: Arc<MemoryDatabase> = Arc::default();
    let start = weighed("p", 1).timestamp();
    for day in 0..200 {
        let now = start.plus(day * DAY);
        let kit = process_at(&tables, embedded("w"), now);
        assert_eq!(kit.receive(&[&fresh(&weighed("p", 1), now)]).await, [Verdict::Done]);
        assert!(sets_of(&tables, "p").len() <= 5, "{:?}", sets_of(&tables, "p"));
    }
}

#[tokio::test]
async fn rotation_loses_no_mark_whatever_clock_rotates() {
    let minute = Duration::from_secs(60);
    let tables: Arc<MemoryDatabase> = Arc::default();
    // Around every boundary: one that handles, one that is 15 minutes ahead, one that is as far behind.
    let period = 8 * DAY;
    let first = (weighed("p", 1).timestamp().unix_ms() as u128 / period.as_millis() + 1) * period.as_millis();
    for boundary in 0..12 {
        let at = Timestamp::from_unix_ms(first as i64).plus(boundary * period);
        for offset in [0, 7, 14, 15, 16, 23, 30] {
            let now = Timestamp::from_unix_ms(at.unix_ms() - 15 * 60_000).plus(offset * minute);
            let event = fresh(&weighed("p", 1), now);
            let shifted = |minutes: i64| Timestamp::from_unix_ms(now.unix_ms() + minutes * 60_000);
            for (skew, verdict) in [(0, Verdict::Done), (15, Verdict::Duplicate), (-15, Verdict::Duplicate)] {
                let kit = process_at(&tables, embedded("w"), shifted(skew));
                assert_eq!(kit.receive(&[&event]).await, [verdict], "{offset} minutes, {skew} off");
            }
        }
    }
    assert_eq!(grams(&tables, "p"), Some(12 * 7));
}

// ------------------------------------------------------------ spilling

async fn heat_up(tables: &Arc<MemoryDatabase>, consumer: &str, now: Timestamp, events: usize) -> Vec<Event> {
    let kit = process_at(tables, embedded(consumer), now);
    let mut sent = Vec::new();
    for _ in 0..events {
        let event = fresh(&weighed("p", 1), now);
        assert_eq!(kit.receive(&[&event]).await, [Verdict::Done]);
        sent.push(event);
    }
    sent
}

#[tokio::test]
async fn a_hot_row_spills_to_the_ledger_and_every_copy_is_recognised() {
    let tables: Arc<MemoryDatabase> = Arc::default();
    let now = weighed("p", 1).timestamp();
    let events = heat_up(&tables, "w", now, 100).await;
    assert_eq!(tables.count("ledger"), 60, "40 marks fit");
    for event in &events {
        assert_eq!(
            process_at(&tables, embedded("w"), now).receive(&[event]).await,
            [Verdict::Duplicate]
        );
    }
    assert_eq!(grams(&tables, "p"), Some(100));
    let contradiction = contradicting(&events[99]);
    let verdicts = process_at(&tables, embedded("w"), now).receive(&[&contradiction]).await;
    assert_eq!(parked_as(&verdicts[0]), Some(ParkReason::ContradictsHandled));
}

#[tokio::test]
async fn a_process_does_not_try_a_full_row_in_vain_each_time() {
    let tables: Arc<MemoryDatabase> = Arc::default();
    let now = weighed("p", 1).timestamp();
    let kit = process_at(&tables, embedded("w"), now);
    for _ in 0..41 {
        kit.receive(&[&fresh(&weighed("p", 1), now)]).await;
    }
    let before = tables.requests();
    kit.receive(&[&fresh(&weighed("p", 1), now)]).await;
    assert_eq!(tables.requests() - before, 1);
}

#[tokio::test]
async fn a_row_that_has_cooled_down_stays_with_the_ledger_for_the_window() {
    let tables: Arc<MemoryDatabase> = Arc::default();
    let now = weighed("p", 1).timestamp();
    let events = heat_up(&tables, "w", now, 50).await;
    for day in [1, 9, 17, 25, 29] {
        let later = process_at(&tables, embedded("w"), now.plus(day * DAY));
        for event in &events {
            assert_eq!(later.receive(&[event]).await, [Verdict::Duplicate], "after {day} days");
        }
        assert_eq!(
            later.receive(&[&fresh(&weighed("p", 1), now.plus(day * DAY))]).await,
            [Verdict::Done]
        );
    }
    assert_eq!(grams(&tables, "p"), Some(55));
    // Long after, it is on its own again.
    let end = now.plus(75 * DAY);
    let ledger_rows = tables.count("ledger");
    let kit = process_at(&tables, embedded("w"), end);
    let (requests, units) = (tables.requests(), tables.write_units());
    assert_eq!(kit.receive(&[&fresh(&weighed("p", 1), end)]).await, [Verdict::Done]);
    assert_eq!((tables.requests() - requests, tables.write_units() - units), (1, 1));
    assert_eq!(tables.count("ledger"), ledger_rows);
    assert!(!tables.row("weights", &["p"]).unwrap().contains_key("_ms"));
}

// ------------------------------------------------------------ versions

#[tokio::test]
async fn a_changed_key_function_sees_what_the_earlier_one_has_handled() {
    let tables: Arc<MemoryDatabase> = Arc::default();
    let moved = || {
        let row = MovedRow {
            row: by_day,
            earlier: by_parcel,
        };
        Consumer::named("w").embedded(row, add)
    };
    let (old, new) = (weighed("p", 7), weighed("p", 5));
    assert_eq!(process(&tables, embedded("w")).receive(&[&old]).await, [Verdict::Done]);
    assert_eq!(process(&tables, moved()).receive(&[&old]).await, [Verdict::Duplicate]);
    assert_eq!(process(&tables, moved()).receive(&[&new]).await, [Verdict::Done]);
    // A process that has not been replaced yet, and one that no longer knows the earlier function.
    assert_eq!(
        process(&tables, embedded("w")).receive(&[&new]).await,
        [Verdict::Duplicate]
    );
    let only_new = process(&tables, Consumer::named("w").embedded(by_day, add));
    assert_eq!(only_new.receive(&[&new]).await, [Verdict::Duplicate]);
    assert_eq!((grams(&tables, "p"), grams(&tables, "today")), (Some(7), Some(5)));
}

#[tokio::test]
async fn a_moved_row_sees_what_a_full_one_recorded_in_the_ledger() {
    let tables: Arc<MemoryDatabase> = Arc::default();
    let now = weighed("p", 1).timestamp();
    let events = heat_up(&tables, "w", now, 45).await;
    let row = MovedRow {
        row: by_day,
        earlier: by_parcel,
    };
    let moved = process_at(&tables, Consumer::named("w").embedded(row, add), now);
    for event in &events {
        assert_eq!(moved.receive(&[event]).await, [Verdict::Duplicate]);
    }
    let new = fresh(&weighed("p", 5), now);
    assert_eq!(moved.receive(&[&new]).await, [Verdict::Done]);
    for consumer in [embedded("w"), Consumer::named("w").embedded(by_day, add)] {
        assert_eq!(
            process_at(&tables, consumer, now).receive(&[&new]).await,
            [Verdict::Duplicate]
        );
    }
}

#[tokio::test]
async fn a_handler_that_was_atomic_sees_what_it_has_handled_as_such() {
    let tables: Arc<MemoryDatabase> = Arc::default();
    let atomic = || Consumer::named("w").atomic(add_atomically);
    let between = || Consumer::named("w").embedded(AlsoInLedger(by_parcel), add);
    let (old, new) = (weighed("p", 7), weighed("p", 5));
    assert_eq!(process(&tables, atomic()).receive(&[&old]).await, [Verdict::Done]);
    assert_eq!(process(&tables, between()).receive(&[&old]).await, [Verdict::Duplicate]);
    assert_eq!(process(&tables, between()).receive(&[&new]).await, [Verdict::Done]);
    for consumer in [atomic(), between(), embedded("w")] {
        assert_eq!(process(&tables, consumer).receive(&[&new]).await, [Verdict::Duplicate]);
    }
    assert_eq!(grams(&tables, "p"), Some(12));
}

// ------------------------------------------------------------ bad input

async fn verdict_on(consumer: Consumer) -> (Verdict, u64) {
    let kit = TestConsumer::new(consumer);
    let verdict = kit.receive(&[&weighed("p", 1)]).await.remove(0);
    (verdict, kit.database().requests())
}

#[tokio::test]
async fn what_would_lose_marks_is_parked_without_a_request() {
    let changes: [fn(RowUpdate) -> RowUpdate; 5] = [
        |row| row.remove("_m2598"),
        |row| row.add_to_set("_m2599", [vec![1]]),
        |row| row.set("_ms", 0),
        |row| row.set("ttl", 1),
        |_| RowUpdate::of(Table::new("weights").row(Key::new("pk", "another"))),
    ];
    for change in changes {
        let handler = move |_: Event<Weighed>, row: RowUpdate| async move { Ok::<_, Failure>(change(row)) };
        let (verdict, requests) = verdict_on(Consumer::named("w").embedded(by_parcel, handler)).await;
        assert_eq!(parked_as(&verdict), Some(ParkReason::InvalidCommit), "{verdict:?}");
        assert_eq!(requests, 0);
    }
}

#[tokio::test]
async fn a_key_that_differs_between_runs_is_parked() {
    let calls = AtomicI64::new(0);
    let unsteady =
        move |_: &Event<Weighed>| Table::new("weights").row(Key::new("pk", calls.fetch_add(1, Ordering::Relaxed)));
    let (verdict, requests) = verdict_on(Consumer::named("w").embedded(unsteady, add)).await;
    assert_eq!(parked_as(&verdict), Some(ParkReason::InvalidCommit));
    assert_eq!(requests, 0);
}

#[tokio::test]
async fn a_key_that_differs_when_the_handler_runs_again_is_parked() {
    let runs = Arc::new(AtomicI64::new(0));
    let seen = Arc::clone(&runs);
    let unsteady = move |_: &Event<Weighed>| Table::new("weights").row(Key::new("pk", seen.load(Ordering::Relaxed)));
    let handler = move |_: Event<Weighed>, row: RowUpdate| {
        runs.fetch_add(1, Ordering::Relaxed);
        async move { Ok::<_, Failure>(row.set("a", 1).only_if(Condition::exists("none"))) }
    };
    let (verdict, _) = verdict_on(Consumer::named("w").embedded(unsteady, handler)).await;
    assert_eq!(parked_as(&verdict), Some(ParkReason::InvalidCommit));
}

#[tokio::test]
async fn a_row_that_is_too_large_with_its_marks_fails_by_its_own_fault() {
    let tables: Arc<MemoryDatabase> = Arc::default();
    let key = Key::new("pk", "p");
    let content = [("text".to_owned(), Value::from("x".repeat(400 * 1024 - 20)))];
    tables
        .write_now(&Table::new("weights").put(key, content).into())
        .unwrap();
    let kit = process(&tables, embedded("w"));
    let event = weighed("p", 1);
    let deliveries: Vec<Delivery> = vec![delivery_of("m", event.to_json())];
    let mut last = None;
    for _ in 0..6 {
        last = kit.receive_deliveries(&deliveries).await.0.pop();
    }
    assert_eq!(
        last.as_ref().and_then(parked_as),
        Some(ParkReason::CommitRefused),
        "{last:?}"
    );
}

#[tokio::test]
async fn old_events_are_parked_however_long_the_ledger_remembers() {
    let seen: Arc<Mutex<Vec<EventId>>> = Arc::default();
    let note = Arc::clone(&seen);
    let handler = move |event: Event<Weighed>, row: RowUpdate| {
        note.lock().unwrap_or_else(PoisonError::into_inner).push(event.id());
        async move { Ok::<_, Failure>(row) }
    };
    let event = weighed("p", 1);
    let late = process_at(
        &Arc::default(),
        Consumer::named("w").embedded(by_parcel, handler),
        after(&event, 31 * DAY),
    );
    assert_eq!(
        parked_as(&late.receive(&[&event]).await[0]),
        Some(ParkReason::OlderThanTheLedger)
    );
    assert!(seen.lock().unwrap_or_else(PoisonError::into_inner).is_empty());
}
