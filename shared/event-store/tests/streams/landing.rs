//! Appends that meet faults and other writers.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use onecommit_engine::{Cancellation, DatabaseError, Put, Transaction, TransientKind, Write};
use onecommit_environment::RetryPolicy;
use onecommit_event_store::Settings;

use super::*;

fn away() -> DatabaseError {
    DatabaseError::Transient(TransientKind::Unavailable, "reset".into())
}

fn settings(attempts_max: u32, decisions_max: u32) -> Settings {
    Settings::default()
        .append(RetryPolicy {
            attempts_max,
            ..Settings::default().append
        })
        .decisions_max(decisions_max)
}

impl Fixture {
    fn with_settings(mut self, settings: Settings) -> Self {
        self.store = self.store.with_settings(settings);
        self
    }

    async fn ids(&self) -> Vec<String> {
        let events = self.store.read(&self.stream, 1).all().await.unwrap();
        events.iter().map(|event| event.id().to_string()).collect()
    }
}

fn ids_of(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| event.id().to_string()).collect()
}

// ------------------------------------------------------------ lost answers, busy tables

#[tokio::test]
async fn a_single_event_costs_half_of_what_a_transaction_would() {
    let fixture = fixture();
    fixture.append(0, 1).await.unwrap();
    assert_eq!(fixture.tables.write_units(), 1);
    fixture.append(1, 3).await.unwrap();
    assert_eq!(fixture.tables.write_units(), 1 + 2 * 3);
}

#[tokio::test(start_paused = true)]
async fn an_append_whose_answer_was_lost_is_recognised_and_lands_once() {
    for count in [1, 3] {
        let fixture = fixture();
        fixture.tables.lose_next_answer(away());
        let appended = fixture.append(0, count).await.unwrap();
        assert_eq!(fixture.tables.requests(), 2);
        assert_eq!(fixture.ids().await, ids_of(&appended));
    }
}

/// A database that has forgotten every token, as DynamoDB has after ten minutes.
struct Forgetful(Arc<MemoryDatabase>);

#[async_trait]
impl TableWriter for Forgetful {
    async fn transact(&self, transaction: &Transaction) -> Result<(), DatabaseError> {
        let (token, writes) = (Environment::system().ids().next(), transaction.writes.clone());
        self.0.transact(&Transaction { token, writes }).await
    }

    async fn write(&self, write: &Write) -> Result<(), DatabaseError> {
        self.0.write(write).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_transaction_whose_token_is_forgotten_is_recognised_by_the_row_in_its_way() {
    let fixture = fixture_with(|tables| Arc::new(Forgetful(tables.clone())), Arc::clone);
    fixture.tables.lose_next_answer(away());
    let appended = fixture.append(0, 3).await.unwrap();
    assert_eq!(fixture.ids().await, ids_of(&appended));
}

#[tokio::test(start_paused = true)]
async fn a_throttled_append_is_retried() {
    for count in [1, 3] {
        let fixture = fixture();
        for kind in [TransientKind::Conflict, TransientKind::Throttled] {
            fixture.tables.fail_next(DatabaseError::Transient(kind, "busy".into()));
        }
        let conflict = Cancellation::Transient(TransientKind::Conflict);
        fixture
            .tables
            .fail_next(DatabaseError::Cancelled(vec![Cancellation::None, conflict]));
        fixture.append(0, count).await.unwrap();
        assert_eq!(fixture.tables.requests(), 4);
        assert_eq!(fixture.ids().await.len(), count);
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_not_reported_as_a_conflict() {
    let fixture = fixture().with_settings(settings(3, 1));
    (0..3).for_each(|_| fixture.tables.fail_next(away()));
    let Err(AppendError::Store(error)) = fixture.append(0, 1).await else {
        panic!("it should have failed")
    };
    assert!(error.is_transient());
    assert_eq!(fixture.tables.requests(), 3);
}

#[tokio::test]
async fn a_refusal_is_final() {
    let fixture = fixture();
    fixture
        .tables
        .fail_next(DatabaseError::Rejected("no permission".into()));
    let Err(AppendError::Store(error)) = fixture.append(0, 1).await else {
        panic!("it should have failed")
    };
    assert!(!error.is_transient());
    assert_eq!(fixture.tables.requests(), 1);
}

// ------------------------------------------------------------ other writers

/// Somebody else, who is quicker than each of the first writes that come here.
struct Overtaken {
    tables: Arc<MemoryDatabase>,
    times: AtomicU64,
    loses_answers: bool,
}

impl Overtaken {
    fn times(times: u64, loses_answers: bool) -> impl Fn(&Arc<MemoryDatabase>) -> Arc<Self> {
        move |tables| {
            Arc::new(Self {
                tables: tables.clone(),
                times: times.into(),
                loses_answers,
            })
        }
    }

    async fn put_first(&self, key: &Key) {
        let version = key.attributes()[1].1.as_u64().unwrap();
        let row = [
            (
                "eventId".to_owned(),
                Value::from("0192f0c1-0000-7000-8000-ffffffffffff"),
            ),
            ("event".to_owned(), stored(version, 3, r#"{"amount":100}"#).into()),
        ];
        let put: Put = log().table().put(key.clone(), row);
        self.tables.write(&put.into()).await.unwrap();
    }
}

#[async_trait]
impl TableWriter for Overtaken {
    async fn transact(&self, transaction: &Transaction) -> Result<(), DatabaseError> {
        self.tables.transact(transaction).await
    }

    async fn write(&self, write: &Write) -> Result<(), DatabaseError> {
        let one_less = |times: u64| times.checked_sub(1);
        let relaxed = Ordering::Relaxed;
        if self.times.fetch_update(relaxed, relaxed, one_less).is_ok() {
            self.put_first(write.key()).await;
            if self.loses_answers {
                return Err(away());
            }
        }
        self.tables.write(write).await
    }
}

#[tokio::test(start_paused = true)]
async fn another_writers_event_is_never_taken_as_our_own() {
    let fixture = fixture_with(Overtaken::times(1, true), Arc::clone);
    let conflict = fixture.append(0, 1).await;
    assert!(
        matches!(conflict, Err(AppendError::VersionConflict { expected: 0, found: 1 })),
        "{conflict:?}"
    );
    assert_eq!(fixture.balance().await.state.amount, 100);
}

#[tokio::test(start_paused = true)]
async fn a_retried_command_reads_only_the_new_events() {
    let fixture = fixture_with(Overtaken::times(1, false), Arc::clone);
    let withdraw = Command::Withdraw(60);
    let store = &fixture.store;
    store
        .execute::<Account>(&fixture.stream, &Command::Deposit(10), &cause())
        .await
        .unwrap();
    // Loaded, refused, read on, landed; and the event of the one who was quicker.
    assert_eq!(fixture.tables.requests(), 4 + 1);
    let events = store
        .execute::<Account>(&fixture.stream, &withdraw, &cause())
        .await
        .unwrap();
    assert_eq!(events[0].metadata().sequence, Some(3));
    assert_eq!(fixture.balance().await.state.amount, 100 + 10 - 60);
}

#[tokio::test(start_paused = true)]
async fn a_command_that_is_always_overtaken_ends_in_a_conflict() {
    let fixture = fixture_with(Overtaken::times(u64::MAX, false), Arc::clone).with_settings(settings(1, 3));
    let deposit = Command::Deposit(1);
    let result = fixture
        .store
        .execute::<Account>(&fixture.stream, &deposit, &cause())
        .await;
    let Err(ExecuteError::Append(AppendError::VersionConflict { expected: 2, found: 3 })) = result else {
        panic!("{result:?}")
    };
}

#[tokio::test(start_paused = true)]
async fn sixteen_concurrent_appends_are_all_kept() {
    const TIMES: u64 = 20;
    let fixture = Arc::new(fixture());
    let local = tokio::task::LocalSet::new();
    let writers: Vec<_> = (1..=16)
        .map(|writer| {
            let fixture = fixture.clone();
            local.spawn_local(async move {
                for _ in 0..TIMES {
                    let (deposit, cause) = (Command::Deposit(writer), cause());
                    let executed = fixture.store.execute::<Account>(&fixture.stream, &deposit, &cause);
                    executed.await.unwrap();
                }
            })
        })
        .collect();
    local.await;
    for writer in writers {
        writer.await.unwrap();
    }
    let events = fixture.store.read(&fixture.stream, 1).all().await.unwrap();
    for writer in 1..=16 {
        let is_of_writer =
            |event: &&Event| event.decode::<Deposited>().unwrap().payload() == &Deposited { amount: writer };
        assert_eq!(events.iter().filter(is_of_writer).count() as u64, TIMES);
    }
    assert_eq!(events.len() as u64, 16 * TIMES);
}
