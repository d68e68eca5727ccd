//! Rows that the previous version wrote (commit 0343424): thirteen events of an account, and a snapshot of the twelfth.

use onecommit_engine::Table;
use onecommit_event::Event;
use serde_json::Value;

use crate::{Balance, Fixture, fixture};

const ROWS: &str = include_str!("../previous/rows.json");

/// A store of today on those rows, and the first twelve events as they were appended.
fn taken_over() -> (Fixture, Vec<String>) {
    let (fixture, rows) = (fixture(), serde_json::from_str::<Value>(ROWS).unwrap());
    let events = rows["tables"]["events"].as_array().unwrap();
    fixture
        .tables
        .load(&Table::new("events"), &["stream", "version"], events)
        .unwrap();
    let appended = rows["received"].as_array().unwrap();
    let same = |event: &Value| Event::from_json(&event.to_string()).unwrap().to_json();
    (fixture, appended.iter().map(same).collect())
}

#[tokio::test]
async fn events_of_before_are_read_as_they_were_appended() {
    let (fixture, appended) = taken_over();
    let read = fixture.store.read(&fixture.stream, 1).all().await.unwrap();
    assert_eq!(read.len(), 13);
    let read: Vec<String> = read.iter().take(12).map(Event::to_json).collect();
    assert_eq!(read, appended);
}

#[tokio::test]
async fn a_state_of_before_is_loaded_with_and_without_its_snapshot() {
    let (fixture, _) = taken_over();
    assert_eq!(fixture.snapshot_row().await.unwrap()["takenAt"].as_u64(), Some(12));
    let balance = fixture.balance().await;
    assert_eq!(
        balance.state,
        Balance {
            amount: 13,
            movements: 13
        }
    );
    // A row before the snapshot that could not be read shows that the snapshot is read.
    fixture.overwrite(3, "damaged").await;
    assert_eq!(fixture.loaded_from_snapshot().await, balance);
}

#[tokio::test]
async fn a_stream_of_before_goes_on() {
    let (fixture, _) = taken_over();
    assert!(fixture.append(12, 1).await.is_err(), "its last version is known");
    fixture.append(13, 2).await.unwrap();
    assert_eq!(fixture.balance().await.version, 15);
}
