//! Reservations whose time is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use onecommit_engine::{
    DatabaseError, Deadline, EventLog, Item, Key, Page, ParkReason, Query, Scan, Table, TableReader, TableWriter,
    Transaction, TransientKind, Verdict, Write,
};
use onecommit_testing::MemoryDatabase;
use serde_json::json;
use storefront_catalog::Catalog;
use storefront_catalog::ReservationState;

use crate::kit::{HOLD_FOR, Kit, order_confirmed, release, reserve};

#[tokio::test(start_paused = true)]
async fn a_reservation_expires_when_its_time_is_over_and_not_before() {
    let kit = Kit::with_products(&[("pot", 10)]).await;
    kit.receive(&reserve("ord-1", &[("pot", 3)])).await;
    tokio::time::advance(HOLD_FOR - Duration::from_secs(1)).await;
    assert_eq!(kit.expire().await.expired, 0);
    assert_eq!(kit.shares("pot"), (7, 3, 0));
    tokio::time::advance(Duration::from_secs(1)).await;
    let result = kit.expire().await;
    assert_eq!((result.expired, result.failed, result.complete), (1, 0, true));
    assert_eq!(kit.shares("pot"), (10, 0, 0));
    assert_eq!(
        kit.said_types("ord-1").await,
        ["InventoryReserved", "InventoryReleased"]
    );
    assert_eq!(
        kit.last_said("ord-1").await,
        json!({"orderId": "ord-1", "expired": true})
    );
    assert_eq!(kit.expire().await.expired, 0);
}

#[tokio::test(start_paused = true)]
async fn an_expiry_keeps_the_correlation_id_of_its_reservation() {
    let kit = Kit::with_products(&[("pot", 10)]).await;
    let command = reserve("ord-1", &[("pot", 3)]);
    kit.receive(&command).await;
    tokio::time::advance(HOLD_FOR).await;
    kit.expire().await;
    let said = kit.said("ord-1").await;
    assert_eq!(said[1].metadata().correlation_id, command.metadata().correlation_id);
    // The answer to the command was another one.
    assert_ne!(said[1].metadata().causation_id, command.id().to_string());
}

#[tokio::test(start_paused = true)]
async fn the_stock_of_a_confirmed_order_does_not_expire() {
    let kit = Kit::with_products(&[("pot", 10)]).await;
    kit.receive(&reserve("ord-1", &[("pot", 3)])).await;
    kit.receive(&order_confirmed("ord-1")).await;
    tokio::time::advance(HOLD_FOR * 100).await;
    assert_eq!(kit.expire().await.expired, 0);
    assert_eq!(kit.shares("pot"), (7, 0, 3));
}

#[tokio::test(start_paused = true)]
async fn the_index_of_what_expires_has_only_reservations_that_hold_stock() {
    let kit = Kit::with_products(&[("pot", 10)]).await;
    let is_indexed = |order_id: &str| {
        let row = kit
            .database
            .row("catalog", &[&format!("reservation#{order_id}"), "reservation"]);
        row.unwrap().contains_key("expiring")
    };
    for order_id in ["held", "released", "confirmed"] {
        kit.receive(&reserve(order_id, &[("pot", 1)])).await;
    }
    kit.receive(&release("released")).await;
    kit.receive(&order_confirmed("confirmed")).await;
    kit.receive(&reserve("refused", &[("pot", 100)])).await;
    kit.receive(&release("never-asked-for")).await;
    assert!(is_indexed("held"));
    for order_id in ["released", "confirmed", "refused", "never-asked-for"] {
        assert!(!is_indexed(order_id), "{order_id}");
    }
    tokio::time::advance(HOLD_FOR).await;
    kit.expire().await;
    assert!(!is_indexed("held"));
}

#[tokio::test(start_paused = true)]
async fn two_expiries_at_once_end_each_reservation_once() {
    let kit = Kit::with_products(&[("pot", 500)]).await;
    for number in 0..250 {
        kit.receive(&reserve(&format!("ord-{number}"), &[("pot", 2)])).await;
    }
    assert_eq!(kit.shares("pot"), (0, 500, 0));
    tokio::time::advance(HOLD_FOR).await;
    let (one, other) = futures_util::future::join(kit.expire(), kit.expire()).await;
    assert_eq!((one.expired + other.expired, one.failed + other.failed), (250, 0));
    assert_eq!(kit.shares("pot"), (500, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_order_confirmed_while_its_reservation_expires_keeps_its_stock_or_takes_it_again() {
    let kit = Kit::with_products(&[("pot", 3)]).await;
    kit.receive(&reserve("ord-1", &[("pot", 3)])).await;
    tokio::time::advance(HOLD_FOR).await;
    let confirmed = order_confirmed("ord-1");
    let (_, verdict) = futures_util::future::join(kit.expire(), kit.receive(&confirmed)).await;
    assert_eq!(verdict, Verdict::Done);
    assert_eq!(kit.shares("pot"), (0, 0, 3));
    assert_eq!(kit.state("ord-1").await, Some(ReservationState::Confirmed));
}

#[tokio::test(start_paused = true)]
async fn an_order_confirmed_after_its_reservation_expired_takes_its_stock_again() {
    let kit = Kit::with_products(&[("pot", 3)]).await;
    kit.receive(&reserve("ord-1", &[("pot", 3)])).await;
    tokio::time::advance(HOLD_FOR).await;
    kit.expire().await;
    assert_eq!(kit.receive(&order_confirmed("ord-1")).await, Verdict::Done);
    assert_eq!(kit.shares("pot"), (0, 0, 3));
}

#[tokio::test(start_paused = true)]
async fn a_confirmation_without_stock_is_parked_for_redrive() {
    let kit = Kit::with_products(&[("pot", 3)]).await;
    kit.receive(&reserve("ord-1", &[("pot", 3)])).await;
    tokio::time::advance(HOLD_FOR).await;
    kit.expire().await;
    kit.receive(&reserve("ord-2", &[("pot", 2)])).await;
    let confirmed = order_confirmed("ord-1");
    let verdict = kit.receive(&confirmed).await;
    assert!(
        matches!(
            verdict,
            Verdict::Park {
                reason: ParkReason::Rejected,
                ..
            }
        ),
        "{verdict:?}"
    );
    assert!(
        kit.parked_because().contains("less stock left than"),
        "{}",
        kit.parked_because()
    );
    assert_eq!(kit.shares("pot"), (1, 2, 0));
    kit.add_stock("pot", "second", 2).await;
    assert_eq!(kit.receive(&confirmed).await, Verdict::Done);
    assert_eq!(kit.shares("pot"), (0, 2, 3));
}

#[tokio::test(start_paused = true)]
async fn an_ended_reservation_is_not_made_again() {
    let kit = Kit::with_products(&[("pot", 10)]).await;
    kit.receive(&reserve("ord-1", &[("pot", 3)])).await;
    tokio::time::advance(HOLD_FOR).await;
    kit.expire().await;
    kit.receive(&reserve("ord-1", &[("pot", 3)])).await;
    assert_eq!(kit.last_said("ord-1").await["reason"], "released");
    kit.receive(&release("ord-1")).await;
    assert_eq!(kit.last_said("ord-1").await, json!({"orderId": "ord-1"}));
    assert_eq!(kit.shares("pot"), (10, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_expiry_whose_answer_is_lost_ends_the_reservation_once() {
    let kit = Kit::with_products(&[("pot", 10)]).await;
    kit.receive(&reserve("ord-1", &[("pot", 3)])).await;
    tokio::time::advance(HOLD_FOR).await;
    let lossy = Arc::new(LosesFirstAnswer(kit.database.clone(), AtomicBool::new(false)));
    let log = EventLog::new(Table::new("events"));
    let catalog = Catalog::new(lossy.clone(), Table::new("catalog"), log, kit.environment());
    assert_eq!(catalog.expire_reservations(Deadline::none()).await.unwrap().expired, 1);
    assert_eq!(kit.shares("pot"), (10, 0, 0));
    assert_eq!(kit.said("ord-1").await.len(), 2);
}

/// A database whose first transaction lands, though nobody hears of it.
struct LosesFirstAnswer(Arc<MemoryDatabase>, AtomicBool);

#[async_trait]
impl TableWriter for LosesFirstAnswer {
    async fn transact(&self, transaction: &Transaction) -> Result<(), DatabaseError> {
        self.0.transact(transaction).await?;
        if self.1.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        Err(DatabaseError::Transient(TransientKind::Unavailable, "no answer".into()))
    }

    async fn write(&self, write: &Write) -> Result<(), DatabaseError> {
        self.0.write(write).await
    }
}

#[async_trait]
impl TableReader for LosesFirstAnswer {
    async fn get(&self, table: &Table, key: &Key) -> Result<Option<Item>, DatabaseError> {
        self.0.get(table, key).await
    }

    async fn query(&self, query: &Query) -> Result<Page, DatabaseError> {
        self.0.query(query).await
    }

    async fn scan(&self, scan: &Scan) -> Result<Page<Scan>, DatabaseError> {
        self.0.scan(scan).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_reservation_without_stock_fails_to_expire_and_stays() {
    let kit = Kit::with_products(&[("pot", 10)]).await;
    kit.receive(&reserve("ord-1", &[("pot", 3)])).await;
    let row = Key::of_view("product#pot", "product");
    let tampered = Table::new("catalog").update(row).set("held", 1).set("available", 9);
    kit.database.write(&tampered.into()).await.unwrap();
    tokio::time::advance(HOLD_FOR).await;
    let result = kit.expire().await;
    assert_eq!((result.expired, result.failed, result.complete), (0, 1, true));
    assert_eq!(kit.state("ord-1").await, Some(ReservationState::Held));
    assert_eq!(kit.shares("pot"), (9, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn without_time_left_no_expiry_is_started() {
    let kit = Kit::with_products(&[("pot", 10)]).await;
    kit.receive(&reserve("ord-1", &[("pot", 3)])).await;
    tokio::time::advance(HOLD_FOR).await;
    let environment = kit.environment();
    let deadline = Deadline::after(Duration::from_secs(1), environment.clock());
    let result = kit.catalog.expire_reservations(deadline).await.unwrap();
    assert_eq!((result.expired, result.complete), (0, false));
    assert_eq!(kit.shares("pot"), (7, 3, 0));
}
