//! Reads that are repeated, and writes that are not.
#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use std::sync::Arc;

use onecommit_engine::{DatabaseError, Key, RetryingTables, Table, TableReader, TableWriter, TransientKind};
use onecommit_environment::{Environment, SeededRandom, Timestamp};
use onecommit_testing::{MemoryDatabase, VirtualClock};

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
