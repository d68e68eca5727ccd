//! A deliberate bug between the code and its ports is noticed; one that changes nothing is not.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use onecommit_engine::{
    Atomic, Commit, Consumer, DatabaseError, Deadline, Delivery, Failure, IdempotencyKeys, Item, Key, Keyed, Page,
    ParkedMessage, Query, Queue, QueueError, Scan, Table, TableReader, TableWriter, Transaction, Verdict, Write,
};
use onecommit_event::claim_check::{PayloadStore, StoreError};
use onecommit_event::{Event, Payload};
use onecommit_publish::{Destination, DestinationError, EntryError, Outgoing};
use onecommit_simulation::{
    BatchHandler, Bounds, Exploration, Outside, OutsideError, Process, Sabotage, SimulatedBucket, SimulatedQueue,
    SimulatedTables, SimulatedTopic, TopicKind, explore,
};
use onecommit_testing::an_event;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Deposited {
    amount: i64,
}

impl Payload for Deposited {
    const EVENT_TYPE: &'static str = "Deposited";
}

#[derive(Clone, Serialize, Deserialize)]
struct LetterDue {}

impl Payload for LetterDue {
    const EVENT_TYPE: &'static str = "LetterDue";
}

async fn add(event: Event<Deposited>) -> Result<Commit, Failure> {
    let account = Table::new("accounts").update(Key::new("pk", "acc-1"));
    Ok(Commit::of(account.add("balance", event.payload().amount)))
}

fn deposits() -> Exploration {
    explore(|_| Consumer::named("accounts").atomic(add))
        .with_events([7, 5].map(|amount| an_event("Account", "acc-1", Deposited { amount })))
        .exhaustively(Bounds { faults: 1, disorder: 1 }, 2_000)
        .randomly(0..100, onecommit_simulation::FaultRates::default())
}

/// The ledger's record replaces the one that is there.
struct LedgerOverwritten;

impl Sabotage for LedgerOverwritten {
    fn alter(&self, write: Write) -> Write {
        match write {
            Write::Put(put) => {
                let write = Write::from(put.clone());
                write.table().put(write.key().clone(), put.item().clone()).into()
            }
            other => other,
        }
    }
}

#[test]
fn a_sabotage_that_breaks_the_promise_is_noticed() {
    let broken = deposits()
        .sabotaged_by(|_| Arc::new(LedgerOverwritten))
        .run()
        .unwrap_err();
    assert!(
        broken.what.contains("as if each event had been handled once"),
        "{broken}"
    );
    assert!(broken.repeats, "{broken}");
    assert!(deposits().replay(broken.schedule.clone()).is_ok());
}

struct Idle;

impl Sabotage for Idle {}

#[test]
fn a_sabotage_that_passes_everything_on_changes_nothing() {
    let without = deposits().run().unwrap();
    assert_eq!(deposits().sabotaged_by(|_| Arc::new(Idle)).run().unwrap(), without);
}

#[test]
fn a_sabotage_is_made_anew_for_each_start_of_a_process() {
    let made = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&made);
    let make = move |process: &Process| -> Arc<dyn Sabotage> {
        assert!(process.name().starts_with("consumer/"));
        counted.fetch_add(1, Ordering::Relaxed);
        Arc::new(Idle)
    };
    let explored = deposits().settling(0, onecommit_simulation::Liveness::default());
    let explored = explored.sabotaged_by(make).run().unwrap();
    let processes = 2 * usize::try_from(explored.schedules).unwrap();
    assert!(made.load(Ordering::Relaxed) > processes, "a crash starts one more");
}

/// Notes which requests came by.
#[derive(Clone, Default)]
struct Listening(Arc<Mutex<BTreeSet<&'static str>>>);

impl Listening {
    fn note(&self, request: &'static str) {
        self.0.lock().unwrap().insert(request);
    }
}

#[async_trait]
impl Sabotage for Listening {
    fn answered(&self, _: &[Write], answer: Result<(), DatabaseError>) -> Result<(), DatabaseError> {
        self.note("answered");
        answer
    }

    async fn transact(&self, tables: &SimulatedTables, transaction: Transaction) -> Result<(), DatabaseError> {
        self.note("transact");
        let answer = tables.transact(&transaction).await;
        self.answered(&transaction.writes, answer)
    }

    async fn write(&self, tables: &SimulatedTables, write: Write) -> Result<(), DatabaseError> {
        self.note("write");
        tables.write(&write).await
    }

    async fn get(&self, tables: &SimulatedTables, table: &Table, key: &Key) -> Result<Option<Item>, DatabaseError> {
        self.note("get");
        tables.get(table, key).await
    }

    async fn query(&self, tables: &SimulatedTables, query: &Query) -> Result<Page, DatabaseError> {
        self.note("query");
        tables.query(query).await
    }

    async fn scan(&self, tables: &SimulatedTables, scan: &Scan) -> Result<Page<Scan>, DatabaseError> {
        self.note("scan");
        tables.scan(scan).await
    }

    async fn handle(&self, handler: &dyn BatchHandler, deliveries: &[Delivery], deadline: Deadline) -> Vec<Verdict> {
        self.note("handle");
        handler.handle(deliveries, deadline).await
    }

    async fn park(&self, queue: &SimulatedQueue, messages: &[ParkedMessage<'_>]) -> Vec<Result<(), QueueError>> {
        self.note("park");
        queue.park(messages).await
    }

    async fn delay(&self, queue: &SimulatedQueue, deliveries: &[(&Delivery, Duration)]) -> Vec<Result<(), QueueError>> {
        self.note("delay");
        queue.delay(deliveries).await
    }

    async fn publish(
        &self,
        topic: &SimulatedTopic,
        events: &[&Outgoing],
    ) -> Result<Vec<Result<String, EntryError>>, DestinationError> {
        self.note("publish");
        topic.send(events).await
    }

    async fn put_payload(&self, bucket: &SimulatedBucket, key: &str, payload: &str) -> Result<(), StoreError> {
        self.note("put_payload");
        bucket.put(key, payload).await
    }

    async fn get_payload(&self, bucket: &SimulatedBucket, key: &str, bytes: u64) -> Result<String, StoreError> {
        self.note("get_payload");
        bucket.get(key, bytes).await
    }

    async fn call(&self, outside: &Outside, request: String, key: Option<String>) -> Result<u64, OutsideError> {
        self.note("call");
        outside.send(request, key).await
    }

    async fn probe(&self, outside: &Outside, request: String) -> Result<Option<u64>, OutsideError> {
        self.note("probe");
        outside.probe(request).await
    }
}

/// Makes every kind of request.
struct Busy(Process);

impl Keyed<LetterDue> for Busy {
    async fn handle(&self, event: Event<LetterDue>, calls: IdempotencyKeys) -> Result<Commit, Failure> {
        let (letters, post) = (Table::new("letters"), self.0.outside("post"));
        let key = Key::new("pk", event.aggregate().id());
        self.0.tables().get(&letters, &key).await?;
        self.0
            .tables()
            .query(&letters.query("pk", event.aggregate().id()))
            .await?;
        self.0.tables().scan(&letters.scan()).await?;
        let bucket = self.0.bucket("payloads");
        bucket.put("claims/l-1", "{}").await.map_err(Failure::unavailable)?;
        bucket.get("claims/l-1", 2).await.map_err(Failure::unavailable)?;
        post.call_once("print", &calls.key("print"))
            .await
            .map_err(Failure::unavailable)?;
        post.probe("print").await.map_err(Failure::unavailable)?;
        Ok(Commit::of(letters.update(key).set("sent", 1)))
    }
}

impl Atomic<Deposited> for Busy {
    async fn handle(&self, event: Event<Deposited>) -> Result<Commit, Failure> {
        let published = self
            .0
            .publish("topic", event.into_raw().map_err(Failure::Invalid)?)
            .await;
        published.map_err(Failure::unavailable)?;
        Err(Failure::transient("fails every time"))
    }
}

#[test]
fn every_kind_of_request_passes_the_sabotage() {
    let listening = Listening::default();
    let heard = listening.clone();
    let explored = explore(|process| {
        let consumer = Consumer::named("busy");
        consumer.keyed(Busy(process.clone())).atomic(Busy(process.clone()))
    })
    .given(|world| world.topic("topic", TopicKind::Sns))
    .with_events([an_event("Letter", "l-1", LetterDue {})])
    .with_events([an_event("Account", "acc-1", Deposited { amount: 1 })])
    .judged_by(|_| Ok(()))
    .exhaustively(Bounds { faults: 0, disorder: 0 }, 1)
    .randomly(0..1, onecommit_simulation::FaultRates::default())
    .settling(0, onecommit_simulation::Liveness::default())
    .sabotaged_by(move |_| Arc::new(listening.clone()))
    .run();
    assert!(explored.is_ok(), "{explored:?}");
    let kinds = [
        "answered",
        "call",
        "delay",
        "get",
        "get_payload",
        "handle",
        "park",
        "probe",
        "publish",
        "put_payload",
        "query",
        "scan",
        "transact",
        "write",
    ];
    assert_eq!(*heard.0.lock().unwrap(), kinds.into());
}
