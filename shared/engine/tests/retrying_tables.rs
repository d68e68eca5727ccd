//! Reads that are repeated, and writes that are not.
#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use std::sync::Arc;
use std::time::Duration;

use onecommit_engine::{
    Commit, Consumer, DatabaseError, Delivery, Failure, Key, RetryingTables, Table, TableReader, TableWriter,
    TransientKind,
};
use onecommit_environment::{Environment, SeededRandom, Timestamp};
use onecommit_event::{Event, Payload};
use onecommit_testing::{MemoryDatabase, TestConsumer, VirtualClock, an_event, delivery_of};
use serde::{Deserialize, Serialize};

fn patient() -> (Arc<MemoryDatabase>, RetryingTables<Arc<MemoryDatabase>>, Table, Key) {
    let environment = Environment::new(
        Arc::new(VirtualClock::showing(Timestamp::from_unix_ms(0))),
        Arc::new(SeededRandom::new(1)),
    );
    let database = Arc::new(MemoryDatabase::default());
    let reads = RetryingTables::of(Arc::clone(&database), environment);
    (database, reads, Table::new("views"), Key::new("pk", "order#1"))
}

fn fail(database: &MemoryDatabase, times: usize) {
    let throttled = || DatabaseError::Transient(TransientKind::Throttled, "too many requests".into());
    (0..times).for_each(|_| database.fail_next(throttled()));
}

#[tokio::test(start_paused = true)]
async fn a_row_that_is_not_given_at_once_is_asked_for_again() {
    let (database, patient, table, key) = patient();
    database
        .write(&table.update(key.clone()).set("total", 7).into())
        .await
        .unwrap();
    fail(&database, 3);
    assert!(patient.get(&table, &key).await.unwrap().is_some());
    fail(&database, 3);
    let page = patient.query(&table.query("pk", "order#1")).await.unwrap();
    assert_eq!(page.rows.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_table_that_stays_out_of_reach_is_said_to_be_and_so_is_what_will_never_pass() {
    let (database, patient, table, key) = patient();
    fail(&database, 4);
    assert!(matches!(
        patient.get(&table, &key).await,
        Err(DatabaseError::Transient(..))
    ));
    database.fail_next(DatabaseError::Rejected("no such table".into()));
    let before = database.requests();
    assert!(matches!(
        patient.get(&table, &key).await,
        Err(DatabaseError::Rejected(_))
    ));
    assert_eq!(database.requests() - before, 1);
}

#[tokio::test(start_paused = true)]
async fn a_write_is_sent_once() {
    let (database, patient, table, key) = patient();
    fail(&database, 1);
    let write = table.update(key).set("total", 7).into();
    assert!(patient.write(&write).await.is_err());
    assert_eq!(database.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_table_that_is_out_is_asked_once_by_each_further_read() {
    let (database, patient, out, key) = patient();
    fail(&database, 1_000);
    for _ in 0..100 {
        assert!(patient.get(&out, &key).await.is_err());
    }
    // One in each of ten seconds, and a tenth of the reads.
    assert_eq!(database.requests(), 100 + 10 + 10);
}

#[derive(Clone, Serialize, Deserialize)]
struct Deposited {
    amount: i64,
}

impl Payload for Deposited {
    const EVENT_TYPE: &'static str = "Deposited";
}

/// A consumer that reads a row and changes it, wired as a process is: one layer for reads around the database, the engine
/// for everything else.
fn depositing() -> TestConsumer {
    let environment = Environment::new(
        Arc::new(VirtualClock::showing(Environment::system().clock().now())),
        Arc::new(SeededRandom::new(1)),
    );
    let database = Arc::new(MemoryDatabase::default());
    let tables = Arc::new(RetryingTables::of(Arc::clone(&database), environment.clone()));
    let consumer = Consumer::named("balances").atomic(move |event: Event<Deposited>| {
        let tables = Arc::clone(&tables);
        async move {
            let (accounts, key) = (Table::new("accounts"), Key::new("pk", event.aggregate().id()));
            let row = tables.get(&accounts, &key).await?;
            let before = row.and_then(|row| row["balance"].as_i64()).unwrap_or(0);
            let change = accounts.update(key).set("balance", before + event.payload().amount);
            Ok::<_, Failure>(Commit::of(change))
        }
    });
    TestConsumer::on(database, consumer, environment)
}

fn delivered(batch: u64, number: u64, receive_count: u32) -> Delivery {
    let name = format!("{batch}-{number}");
    Delivery {
        receive_count,
        ..delivery_of(&name, an_event("Account", &name, Deposited { amount: 1 }).to_json())
    }
}

/// Ten batches of ten new messages, a second apart, and with each all those that failed before and are redelivered.
async fn requests_of_a_hundred(kit: &TestConsumer) -> u64 {
    let before = kit.database().requests();
    for batch in 0..10 {
        let redelivered = (0..batch).flat_map(|earlier| (0..10).map(move |number| delivered(earlier, number, 3)));
        let new = (0..10).map(|number| delivered(batch, number, 1));
        let deliveries: Vec<Delivery> = redelivered.chain(new).collect();
        let failed = kit.database().count("accounts") == 0;
        let received = if failed {
            &deliveries[..]
        } else {
            &deliveries[deliveries.len() - 10..]
        };
        kit.receive_deliveries(received).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    kit.database().requests() - before
}

#[tokio::test(start_paused = true)]
async fn in_an_outage_there_are_less_than_twice_the_requests() {
    let normally = requests_of_a_hundred(&depositing()).await;
    let kit = depositing();
    fail(kit.database(), 100_000);
    let in_outage = requests_of_a_hundred(&kit).await;
    assert!(
        in_outage < 2 * normally,
        "{in_outage} requests in an outage, normally {normally}"
    );
}
