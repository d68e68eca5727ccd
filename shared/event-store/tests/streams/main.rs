//! What the event store promises, on a table in memory.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

mod landing;
mod long_streams;
mod previous;

use std::sync::Arc;

use onecommit_engine::{CommitFault, EventLog, Key, Table, TableReader, TableWriter, Value};
use onecommit_environment::{Environment, SeededRandom, Timestamp};
use onecommit_event::{Aggregate, Event, Metadata, NewEvent, Payload};
use onecommit_event_store::{
    AppendError, Decider, EventStore, ExecuteError, Loaded, Scenario, SnapshotPolicy, Snapshots, StoreError, Upcasters,
    domain_events,
};
use onecommit_testing::{MemoryDatabase, SplitTables, VirtualClock};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Deposited {
    amount: i64,
}

impl Payload for Deposited {
    const EVENT_TYPE: &'static str = "Deposited";
    const SCHEMA_VERSION: u32 = 3;
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Withdrawn {
    amount: i64,
}

impl Payload for Withdrawn {
    const EVENT_TYPE: &'static str = "Withdrawn";
}

domain_events! {
    /// What happens to accounts.
    enum AccountEvent { Deposited(Deposited), Withdrawn(Withdrawn) }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Balance {
    amount: i64,
    movements: u64,
}

impl Snapshots for Balance {
    const POLICY: SnapshotPolicy = SnapshotPolicy {
        every_events: 10,
        state_schema: 2,
    };
}

enum Command {
    Deposit(i64),
    Withdraw(i64),
}

#[derive(Debug, PartialEq)]
struct NotEnough;

struct Account;

impl Decider for Account {
    const AGGREGATE_TYPE: &'static str = "Account";
    type State = Balance;
    type Command = Command;
    type Event = AccountEvent;
    type Rejection = NotEnough;

    fn decide(balance: &Balance, command: &Command) -> Result<Vec<AccountEvent>, NotEnough> {
        match command {
            Command::Deposit(amount) => Ok(vec![Deposited { amount: *amount }.into()]),
            Command::Withdraw(amount) if *amount > balance.amount => Err(NotEnough),
            Command::Withdraw(amount) => Ok(vec![Withdrawn { amount: *amount }.into()]),
        }
    }

    fn evolve(balance: Balance, event: &AccountEvent) -> Balance {
        let change = match event {
            AccountEvent::Deposited(deposited) => deposited.amount,
            AccountEvent::Withdrawn(withdrawn) => -withdrawn.amount,
        };
        Balance {
            amount: balance.amount + change,
            movements: balance.movements + 1,
        }
    }
}

struct Fixture {
    tables: Arc<MemoryDatabase>,
    store: EventStore,
    stream: Aggregate,
}

fn log() -> EventLog {
    EventLog::new(Table::new("events"))
}

/// A store that writes and reads by these.
fn store_of(
    writer: impl TableWriter + 'static,
    reader: impl TableReader + 'static,
    environment: Environment,
) -> EventStore {
    EventStore::new(Arc::new(SplitTables { writer, reader }), log(), environment)
}

fn fixture() -> Fixture {
    fixture_with(|tables| tables.clone(), |tables| tables.clone())
}

/// A store that writes and reads by these on tables in memory. Where time is paused, waits take none.
fn fixture_with<D: TableWriter + 'static, R: TableReader + 'static>(
    database: impl Fn(&Arc<MemoryDatabase>) -> Arc<D>,
    rows: impl Fn(&Arc<MemoryDatabase>) -> Arc<R>,
) -> Fixture {
    let tables = Arc::new(MemoryDatabase::default());
    let clock = VirtualClock::showing(Timestamp::parse("2026-11-22T07:00:00Z").unwrap());
    let environment = Environment::new(Arc::new(clock), Arc::new(SeededRandom::new(1)));
    Fixture {
        store: store_of(database(&tables), rows(&tables), environment),
        tables,
        stream: Aggregate::new(Account::AGGREGATE_TYPE, "a-1").unwrap(),
    }
}

fn cause() -> Metadata {
    Metadata::starting("request-1")
}

fn deposit(amount: i64) -> NewEvent {
    NewEvent::of(&Deposited { amount }).unwrap()
}

impl Fixture {
    async fn append(&self, expected: u64, count: usize) -> Result<Vec<Event>, AppendError> {
        self.store
            .append(
                &self.stream,
                expected,
                (0..count).map(|_| deposit(1)).collect(),
                &cause(),
            )
            .await
    }

    async fn balance(&self) -> Loaded<Balance> {
        self.store.load::<Account>(&self.stream).await.unwrap()
    }

    async fn loaded_from_snapshot(&self) -> Loaded<Balance> {
        self.store.load_from_snapshot::<Account>(&self.stream).await.unwrap()
    }

    async fn snapshot_row(&self) -> Option<onecommit_engine::Item> {
        self.tables
            .get(&Table::new("events"), &EventLog::key(&self.stream, 0))
            .await
            .unwrap()
    }

    /// Writes a row past the store, as a fault or another program would.
    async fn overwrite(&self, version: u64, event: &str) {
        let row = [("event".to_owned(), Value::from(event))];
        let put = Table::new("events").put(EventLog::key(&self.stream, version), row);
        self.tables.write(&put.into()).await.unwrap();
    }
}

// ------------------------------------------------------------ append and read

#[tokio::test]
async fn events_are_read_as_they_were_appended_in_order_from_version_one() {
    let fixture = fixture();
    let appended = [fixture.append(0, 2).await.unwrap(), fixture.append(2, 3).await.unwrap()].concat();
    let read = fixture.store.read(&fixture.stream, 1).all().await.unwrap();
    let json = |events: &[Event]| events.iter().map(Event::to_json).collect::<Vec<_>>();
    assert_eq!(json(&read), json(&appended));
    assert_eq!(
        read.iter()
            .filter_map(|event| event.metadata().sequence)
            .collect::<Vec<_>>(),
        [1, 2, 3, 4, 5]
    );
    assert_eq!(fixture.store.read(&fixture.stream, 4).all().await.unwrap().len(), 2);
    assert!(fixture.store.read(&fixture.stream, 6).all().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_append_is_one_request_and_all_of_it_or_nothing() {
    let fixture = fixture();
    fixture.append(0, 10).await.unwrap();
    assert_eq!(fixture.tables.requests(), 1);
    let conflict = fixture.append(5, 10).await;
    assert!(
        matches!(conflict, Err(AppendError::VersionConflict { expected: 5, found: 10 })),
        "{conflict:?}"
    );
    assert_eq!(fixture.store.version(&fixture.stream).await.unwrap(), 10);
}

#[tokio::test]
async fn a_version_that_was_never_read_leaves_a_gap_that_every_later_read_names() {
    let fixture = fixture();
    fixture.append(0, 1).await.unwrap();
    fixture.append(7, 1).await.unwrap();
    let gap = fixture.store.load::<Account>(&fixture.stream).await;
    assert!(matches!(gap, Err(StoreError::Gap { missing: 2, .. })), "{gap:?}");
}

#[tokio::test]
async fn more_than_a_transaction_holds_is_refused_before_it_is_sent() {
    let fixture = fixture();
    let many = fixture.append(0, 101).await;
    assert!(
        matches!(many, Err(AppendError::TooLarge(CommitFault::TooManyActions(_)))),
        "{many:?}"
    );
    let blob = NewEvent::of(&Large {
        blob: "x".repeat(401 * 1024),
    })
    .unwrap();
    let large = fixture.store.append(&fixture.stream, 0, vec![blob], &cause()).await;
    assert!(
        matches!(large, Err(AppendError::TooLarge(CommitFault::ItemTooLarge(..)))),
        "{large:?}"
    );
    assert_eq!(fixture.tables.requests(), 0);
}

#[derive(Serialize, Deserialize)]
struct Large {
    blob: String,
}

impl Payload for Large {
    const EVENT_TYPE: &'static str = "Large";
}

// ------------------------------------------------------------ state

#[tokio::test]
async fn commands_are_decided_on_the_state_that_the_events_make() {
    let Fixture { store, stream, .. } = fixture();
    store
        .execute::<Account>(&stream, &Command::Deposit(10), &cause())
        .await
        .unwrap();
    store
        .execute::<Account>(&stream, &Command::Withdraw(4), &cause())
        .await
        .unwrap();
    let refused = store.execute::<Account>(&stream, &Command::Withdraw(7), &cause()).await;
    assert!(matches!(refused, Err(ExecuteError::Rejected(NotEnough))));
    assert_eq!(
        store.load::<Account>(&stream).await.unwrap().state,
        Balance {
            amount: 6,
            movements: 2
        }
    );
}

#[test]
fn a_withdrawal_over_the_balance_is_rejected() {
    Scenario::<Account>::given([Deposited { amount: 10 }.into()])
        .when(&Command::Withdraw(4))
        .then([Withdrawn { amount: 4 }.into()])
        .when(&Command::Withdraw(7))
        .rejected(NotEnough);
}

#[tokio::test]
async fn the_state_at_any_version_can_be_seen() {
    let fixture = fixture();
    fixture.append(0, 5).await.unwrap();
    for version in 0..=5 {
        let loaded = fixture
            .store
            .load_at_version::<Account>(&fixture.stream, version)
            .await
            .unwrap();
        assert_eq!((loaded.version, loaded.state.amount), (version, version as i64));
    }
}

#[tokio::test]
async fn the_state_at_any_time_can_be_seen_also_when_a_clock_ran_backwards() {
    let fixture = fixture();
    let at = |hour: u32| Timestamp::parse(&format!("2026-01-01T{hour:02}:00:00Z")).unwrap();
    // The third event's clock was behind: it still comes after the second.
    for (version, hour) in [(1, 8), (2, 12), (3, 10), (4, 14)] {
        let metadata = Metadata {
            sequence: Some(version),
            ..cause()
        };
        let event = Event::from_new(deposit(1), fixture.stream.clone(), metadata, &Environment::system()).unwrap();
        let put = log().put(&event.with_timestamp(at(hour)));
        fixture.tables.write(&put.into()).await.unwrap();
    }
    for (hour, amount) in [(7, 0), (8, 1), (11, 1), (12, 3), (14, 4)] {
        let loaded = fixture
            .store
            .load_at_time::<Account>(&fixture.stream, at(hour))
            .await
            .unwrap();
        assert_eq!(loaded.state.amount, amount, "at {hour}");
    }
}

// ------------------------------------------------------------ snapshots

#[tokio::test]
async fn a_snapshot_is_kept_when_it_is_due_and_saves_reading_what_came_before() {
    let fixture = fixture();
    fixture.append(0, 9).await.unwrap();
    fixture.loaded_from_snapshot().await;
    assert_eq!(fixture.snapshot_row().await, None, "nine events are not ten");
    fixture.append(9, 3).await.unwrap();
    assert_eq!(fixture.loaded_from_snapshot().await, fixture.balance().await);
    assert_eq!(fixture.snapshot_row().await.unwrap()["takenAt"].as_u64(), Some(12));
    // A row before the snapshot that could not be read shows that nobody reads it.
    fixture.overwrite(3, "damaged").await;
    fixture.append(12, 1).await.unwrap();
    assert_eq!(fixture.loaded_from_snapshot().await.state.amount, 13);
    assert_eq!(
        fixture.store.version(&fixture.stream).await.unwrap(),
        13,
        "the snapshot is no event"
    );
}

#[tokio::test]
async fn a_snapshot_that_is_damaged_or_of_another_schema_is_none_and_made_anew() {
    for damage in [
        ("state", Value::from("{ damaged")),
        ("stateSchema", Value::from(1)),
        ("takenAt", Value::from("x")),
    ] {
        let fixture = fixture();
        fixture.append(0, 12).await.unwrap();
        fixture.loaded_from_snapshot().await;
        let update = Table::new("events")
            .update(EventLog::key(&fixture.stream, 0))
            .set(damage.0, damage.1.clone());
        fixture.tables.write(&update.into()).await.unwrap();
        assert_eq!(
            fixture.loaded_from_snapshot().await,
            fixture.balance().await,
            "{damage:?}"
        );
    }
}

#[tokio::test]
async fn a_snapshot_taken_late_does_not_replace_a_newer_one() {
    let fixture = fixture();
    fixture.append(0, 20).await.unwrap();
    fixture.loaded_from_snapshot().await;
    let newer = Table::new("events")
        .update(EventLog::key(&fixture.stream, 0))
        .set("takenAt", 99);
    fixture.tables.write(&newer.clone().into()).await.unwrap();
    let stale = fixture.snapshot_row().await.unwrap();
    fixture.append(20, 11).await.unwrap();
    fixture.loaded_from_snapshot().await;
    assert_eq!(fixture.snapshot_row().await.unwrap(), stale);
}

// ------------------------------------------------------------ upcasters

fn upcasters() -> Upcasters {
    Upcasters::default()
        .and("Deposited", 1, |mut payload| {
            // Version 1 said "sum".
            payload["amount"] = payload["sum"].take();
            Ok(payload)
        })
        .and("Deposited", 2, |mut payload| {
            // Version 2 counted whole euros.
            let euros = payload["amount"].as_i64().ok_or("the amount is no whole number")?;
            payload["amount"] = (euros * 100).into();
            Ok(payload)
        })
}

fn stored(version: u64, schema_version: u32, payload: &str) -> String {
    format!(
        r#"{{"eventId":"0192f0c1-0000-7000-8000-{version:012}","eventType":"Deposited","aggregateId":"a-1",
        "aggregateType":"Account","timestamp":"2026-11-22T07:00:00.000Z","payload":{payload},
        "metadata":{{"correlationId":"c","causationId":"c","sequence":{version},"schemaVersion":{schema_version}}}}}"#
    )
}

#[tokio::test]
async fn golden_samples_of_every_old_schema_are_read_as_the_newest() {
    let fixture = fixture();
    for (version, schema, payload) in [
        (1, 1, r#"{"sum":7}"#),
        (2, 2, r#"{"amount":7}"#),
        (3, 3, r#"{"amount":700}"#),
    ] {
        fixture.overwrite(version, &stored(version, schema, payload)).await;
    }
    let tables = fixture.tables.clone();
    let store = EventStore::new(tables, log(), Environment::system()).with_upcasters(upcasters());
    let events = store.read(&fixture.stream, 1).all().await.unwrap();
    for event in &events {
        assert_eq!(event.metadata().schema_version, 3);
        assert_eq!(
            event.decode::<Deposited>().unwrap().payload(),
            &Deposited { amount: 700 }
        );
    }
    assert_eq!(store.load::<Account>(&fixture.stream).await.unwrap().state.amount, 2100);
}

#[tokio::test]
async fn a_payload_that_cannot_be_brought_up_says_which_and_why() {
    let fixture = fixture();
    fixture.overwrite(1, &stored(1, 2, r#"{"amount":"seven"}"#)).await;
    let tables = fixture.tables.clone();
    let store = EventStore::new(tables, log(), Environment::system()).with_upcasters(upcasters());
    let Err(StoreError::Upcast(error)) = store.load::<Account>(&fixture.stream).await else {
        panic!("it was read")
    };
    assert_eq!(
        error.to_string(),
        "Deposited of schema version 2: the amount is no whole number"
    );
}

// ------------------------------------------------------------ bad input

#[tokio::test]
async fn a_stream_that_was_tampered_with_is_never_folded_as_if_it_were_whole() {
    let fixture = fixture();
    fixture.append(0, 3).await.unwrap();
    fixture
        .tables
        .write(&Table::new("events").delete(EventLog::key(&fixture.stream, 2)).into())
        .await
        .unwrap();
    let gap = fixture.store.load::<Account>(&fixture.stream).await;
    assert!(matches!(gap, Err(StoreError::Gap { missing: 2, .. })), "{gap:?}");
    let of_another = stored(2, 3, r#"{"amount":1}"#).replace("a-1", "a-2");
    for text in ["no event", &of_another] {
        fixture.overwrite(2, text).await;
        let corrupt = fixture.store.load::<Account>(&fixture.stream).await;
        assert!(
            matches!(corrupt, Err(StoreError::Corrupt { version: 2, .. })),
            "{corrupt:?}"
        );
    }
    fixture
        .overwrite(2, &stored(2, 3, r#"{"amount":1}"#).replace("Deposited", "Teleported"))
        .await;
    let unknown = fixture.store.load::<Account>(&fixture.stream).await;
    assert!(
        matches!(unknown, Err(StoreError::UnknownEventType { version: 2, .. })),
        "{unknown:?}"
    );
}

#[test]
fn the_key_of_a_row_is_its_stream_and_version() {
    let stream = Aggregate::new("Order", "ord_1").unwrap();
    assert_eq!(
        EventLog::key(&stream, 7),
        Key::new("stream", "Order#ord_1").and("version", 7)
    );
}

#[tokio::test]
async fn a_replay_tells_every_event_of_every_stream_in_its_order() {
    let f = fixture();
    let streams = ["a-1", "a-2", "a-3"].map(|id| Aggregate::new(Account::AGGREGATE_TYPE, id).unwrap());
    for (stream, count) in streams.iter().zip([1, 25, 120]) {
        for version in 0..count {
            let deposit = NewEvent::of(&Deposited { amount: 1 }).unwrap();
            f.store.append(stream, version, vec![deposit], &cause()).await.unwrap();
        }
    }
    f.store.load_from_snapshot::<Account>(&streams[1]).await.unwrap();
    let (mut replay, mut told) = (f.store.replay(), Vec::new());
    while let Some(event) = replay.next().await.unwrap() {
        told.push((event.aggregate().clone(), event.metadata().sequence.unwrap()));
    }
    for (stream, count) in streams.iter().zip([1, 25, 120]) {
        let versions: Vec<u64> = told
            .iter()
            .filter(|(of, _)| of == stream)
            .map(|(_, version)| *version)
            .collect();
        assert_eq!(versions, (1..=count).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_replay_that_goes_on_from_any_position_misses_nothing() {
    let f = fixture();
    let streams = ["a-1", "a-2", "a-3"].map(|id| Aggregate::new(Account::AGGREGATE_TYPE, id).unwrap());
    for stream in &streams {
        for version in 0..12 {
            let deposit = NewEvent::of(&Deposited { amount: 1 }).unwrap();
            f.store.append(stream, version, vec![deposit], &cause()).await.unwrap();
        }
    }
    for stop_after in 0..36 {
        let mut told = std::collections::BTreeSet::new();
        let mut first = f.store.replay().rows_per_page(5);
        for _ in 0..stop_after {
            told.insert(first.next().await.unwrap().unwrap().id());
        }
        let mut rest = f.store.replay_from(first.position().cloned()).rows_per_page(5);
        while let Some(event) = rest.next().await.unwrap() {
            told.insert(event.id());
        }
        assert_eq!(told.len(), 36, "stopped after {stop_after}");
    }
}
