//! Writes of APIs, which are repeated out of a budget.
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::sync::Arc;

use onecommit_engine::{
    Cancellation, Condition, DatabaseError, Key, RetryingWrites, Table, TableWriter, Transaction, TransientKind,
};
use onecommit_environment::{Environment, SeededRandom, Timestamp};
use onecommit_testing::{MemoryDatabase, VirtualClock};

fn patient() -> (Arc<MemoryDatabase>, RetryingWrites<Arc<MemoryDatabase>>, Transaction) {
    let clock = VirtualClock::showing(Timestamp::from_unix_ms(0));
    let environment = Environment::new(Arc::new(clock), Arc::new(SeededRandom::new(1)));
    let database = Arc::new(MemoryDatabase::default());
    let row = Table::new("parcels").put(Key::new("pk", "p-1"), []).only_if_absent();
    let transaction = Transaction {
        token: environment.ids().next(),
        writes: vec![row.into()],
    };
    (
        Arc::clone(&database),
        RetryingWrites::of(database, environment),
        transaction,
    )
}

fn unavailable() -> DatabaseError {
    DatabaseError::Transient(TransientKind::Unavailable, "no answer".into())
}

#[tokio::test(start_paused = true)]
async fn passing_trouble_and_lost_races_are_tried_again() {
    let (database, patient, transaction) = patient();
    database.fail_next(unavailable());
    database.fail_next(DatabaseError::Cancelled(vec![Cancellation::Transient(
        TransientKind::Conflict,
    )]));
    patient.transact(&transaction).await.unwrap();
    assert_eq!((database.requests(), database.count("parcels")), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_condition_that_failed_is_not() {
    let (database, patient, _) = patient();
    let missing = Table::new("parcels").update(Key::new("pk", "p-2")).set("weight", 7);
    let missing = missing.only_if(Condition::exists("pk")).into();
    assert!(matches!(
        patient.write(&missing).await,
        Err(DatabaseError::Cancelled(_))
    ));
    assert_eq!(database.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn in_an_outage_each_further_write_is_one_request() {
    let (database, patient, transaction) = patient();
    (0..1_000).for_each(|_| database.fail_next(unavailable()));
    for _ in 0..100 {
        assert!(patient.transact(&transaction).await.is_err());
    }
    // Ten seconds of budget, a tenth of the calls, and what the waits in between give back.
    assert!(
        database.requests() < 100 + 25,
        "{} requests for 100 writes",
        database.requests()
    );
}
