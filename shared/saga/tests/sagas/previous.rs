//! Rows that the previous version wrote (commit 0343424): its ledger knows its events, its sagas go on.
//!
//! `ord_1` waits for its payment, `ord_2` is being compensated, `ord_3` is completed.

use onecommit_engine::{Table, Verdict};
use onecommit_event::Event;
use onecommit_saga::{Status, index_older_sagas};
use serde_json::Value;

use crate::order::Order;
use crate::shop::{SAGAS, Shop};

const ROWS: &str = include_str!("../previous/rows.json");
const KEYS: [(&str, &[&str]); 3] = [
    (SAGAS, &["sagaId"]),
    ("events", &["stream", "version"]),
    ("ledger", &["pk"]),
];

/// A process of today on those rows, and the events that had started the sagas.
fn taken_over() -> (Shop, Vec<Event>) {
    let (shop, rows) = (Shop::open(), serde_json::from_str::<Value>(ROWS).unwrap());
    for (table, key) in KEYS {
        let rows = rows["tables"][table].as_array().unwrap();
        shop.database.load(&Table::new(table), key, rows).unwrap();
    }
    let received = rows["received"].as_array().unwrap();
    let events = received
        .iter()
        .map(|event| Event::from_json(&event.to_string()).unwrap());
    (shop, events.collect())
}

#[tokio::test(start_paused = true)]
async fn an_event_that_was_handled_is_a_duplicate() {
    let (shop, received) = taken_over();
    assert_eq!(received.len(), 3);
    for event in &received {
        let before = shop.row(event.aggregate().id());
        assert_eq!(shop.receive(event).await, Verdict::Duplicate);
        assert_eq!(shop.row(event.aggregate().id()), before);
    }
}

#[tokio::test(start_paused = true)]
async fn a_saga_that_was_under_way_is_completed() {
    let (shop, _) = taken_over();
    assert_eq!(shop.status("ord_1"), Status::Running);
    assert_eq!(shop.command_types("ord_1").await, ["ReserveInventory", "TakePayment"]);
    shop.all_agree("ord_1").await;
    assert_eq!(shop.status("ord_1"), Status::Completed);
    assert_eq!(
        shop.command_types("ord_1").await,
        ["ReserveInventory", "TakePayment", "ConfirmOrder", "NotifyCustomer"]
    );
    assert_eq!(
        shop.row("ord_1").data::<Order>().unwrap().payment_id.as_deref(),
        Some("pay_1")
    );
}

#[tokio::test(start_paused = true)]
async fn a_saga_that_was_being_compensated_is_compensated() {
    let (shop, _) = taken_over();
    assert_eq!(shop.status("ord_2"), Status::Compensating);
    shop.all_agree("ord_2").await;
    assert_eq!(shop.status("ord_2"), Status::Compensated);
}

#[tokio::test(start_paused = true)]
async fn a_saga_that_was_completed_stays_so() {
    let (shop, _) = taken_over();
    let before = shop.row("ord_3");
    shop.all_agree("ord_3").await;
    assert_eq!((before.status(), shop.row("ord_3")), (Status::Completed, before));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_is_found_once_the_row_is_indexed() {
    const LATER_S: u64 = 3_600;
    let (shop, _) = taken_over();
    tokio::time::advance(std::time::Duration::from_secs(LATER_S)).await;
    assert!(shop.due().await.is_empty());
    let done = index_older_sagas(shop.database.as_ref(), &Table::new(SAGAS), &shop.environment)
        .await
        .unwrap();
    assert_eq!((done.indexed, done.failed), (2, 0));
    let mut due: Vec<String> = shop
        .due()
        .await
        .iter()
        .map(|event| event.aggregate().id().to_owned())
        .collect();
    due.sort();
    assert_eq!(due, ["ord_1", "ord_2"]);
}
