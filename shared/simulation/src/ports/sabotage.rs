//! Deliberate bugs, to see whether a proof notices them.

use std::time::Duration;

use async_trait::async_trait;
use onecommit_engine::{
    DatabaseError, Deadline, Delivery, EventLog, Item, Key, Page, ParkedMessage, PendingMarks, Query, Queue,
    QueueError, Scan, Table, TableReader, TableWriter, Transaction, Verdict, Write,
};
use onecommit_event::claim_check::{PayloadStore, StoreError};
use onecommit_publish::{Destination, DestinationError, EntryError, Outgoing};

use super::{Outside, OutsideError, SimulatedBucket, SimulatedQueue, SimulatedTables, SimulatedTopic};
use crate::batch_handler::BatchHandler;

/// A deliberate bug, placed between a process of a simulated world and everything it acts on.
///
/// A proof that has never failed says little: its events may not contain what it takes, its judgement may overlook it. A
/// sabotage answers the question for one bug: with it, the exploration has to fail. The code under test stays as it is;
/// each method stands in the place of one request, and its default passes the request on unchanged. Override the ones
/// through which the bug shows: drop a condition, split a transaction, invent an answer, forget a delivery.
///
/// The port that a method is given reaches the simulated world directly, and every request made through it is one that
/// the schedule decides about. A sabotage is made anew whenever a process starts, so that what it remembers ends with the
/// process. It has to be as deterministic as the code it spoils: it may use the process's clock and randomness only.
///
/// ```
/// use std::sync::Arc;
///
/// use onecommit_engine::{Commit, Consumer, Failure, Key, Table, Write};
/// use onecommit_event::{Event, Payload};
/// use onecommit_testing::an_event;
/// use onecommit_simulation::{Sabotage, explore};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct ParcelShipped { carrier: String }
/// impl Payload for ParcelShipped {
///     const EVENT_TYPE: &'static str = "ParcelShipped";
/// }
/// async fn count(event: Event<ParcelShipped>) -> Result<Commit, Failure> {
///     let carrier = Key::new("pk", event.payload().carrier.as_str());
///     Ok(Commit::of(Table::new("carriers").update(carrier).add("parcels", 1)))
/// }
///
/// /// The record that a message was handled replaces the one that is there.
/// struct LedgerOverwritten;
/// impl Sabotage for LedgerOverwritten {
///     fn alter(&self, write: Write) -> Write {
///         let Write::Put(put) = &write else { return write };
///         if write.table().name() != "ledger" {
///             return write;
///         }
///         write.table().put(write.key().clone(), put.item().clone()).into()
///     }
/// }
///
/// let shipped = |parcel: &str| an_event("Parcel", parcel, ParcelShipped { carrier: "DHL".into() });
/// let exploration = explore(|_| Consumer::named("carriers").atomic(count)).with_events([shipped("p-1")]);
/// let noticed = exploration.sabotaged_by(|_| Arc::new(LedgerOverwritten)).run();
/// assert!(noticed.is_err(), "a parcel that is counted twice has to be noticed");
/// ```
#[async_trait]
pub trait Sabotage: Send + Sync {
    /// One write, alone or as a part of a transaction.
    fn alter(&self, write: Write) -> Write {
        write
    }

    /// The answer to a write or a transaction, as altered.
    fn answered(&self, writes: &[Write], answer: Result<(), DatabaseError>) -> Result<(), DatabaseError> {
        let _ = writes;
        answer
    }

    /// A transaction.
    async fn transact(&self, tables: &SimulatedTables, mut transaction: Transaction) -> Result<(), DatabaseError> {
        let writes = transaction.writes.into_iter();
        transaction.writes = writes.map(|write| self.alter(write)).collect();
        let answer = tables.transact(&transaction).await;
        self.answered(&transaction.writes, answer)
    }

    /// A single write.
    async fn write(&self, tables: &SimulatedTables, write: Write) -> Result<(), DatabaseError> {
        let write = self.alter(write);
        let answer = tables.write(&write).await;
        self.answered(std::slice::from_ref(&write), answer)
    }

    /// A read of one row.
    async fn get(&self, tables: &SimulatedTables, table: &Table, key: &Key) -> Result<Option<Item>, DatabaseError> {
        tables.get(table, key).await
    }

    /// A read of a page of rows by their key, or by that of an index.
    async fn query(&self, tables: &SimulatedTables, query: &Query) -> Result<Page, DatabaseError> {
        tables.query(query).await
    }

    /// A read of a page of all rows.
    async fn scan(&self, tables: &SimulatedTables, scan: &Scan) -> Result<Page<Scan>, DatabaseError> {
        tables.scan(scan).await
    }

    /// The relay clears the marks of events that it has published.
    async fn clear(
        &self,
        tables: &SimulatedTables,
        log: &EventLog,
        events: &[(&str, u64)],
    ) -> Result<(), DatabaseError> {
        tables.clear(log, events).await
    }

    /// A batch that a queue has delivered, and the verdicts on it.
    async fn handle(&self, handler: &dyn BatchHandler, deliveries: &[Delivery], deadline: Deadline) -> Vec<Verdict> {
        handler.handle(deliveries, deadline).await
    }

    /// Messages for the dead-letter queue.
    async fn park(&self, queue: &SimulatedQueue, messages: &[ParkedMessage<'_>]) -> Vec<Result<(), QueueError>> {
        queue.park(messages).await
    }

    /// Messages to be delivered again after a while.
    async fn delay(&self, queue: &SimulatedQueue, deliveries: &[(&Delivery, Duration)]) -> Vec<Result<(), QueueError>> {
        queue.delay(deliveries).await
    }

    /// Events for a topic or a bus.
    async fn publish(
        &self,
        topic: &SimulatedTopic,
        events: &[&Outgoing],
    ) -> Result<Vec<Result<String, EntryError>>, DestinationError> {
        topic.send(events).await
    }

    /// A payload that is left in a bucket.
    async fn put_payload(&self, bucket: &SimulatedBucket, key: &str, payload: &str) -> Result<(), StoreError> {
        bucket.put(key, payload).await
    }

    /// A payload of so many bytes that is claimed from a bucket.
    async fn get_payload(&self, bucket: &SimulatedBucket, key: &str, bytes: u64) -> Result<String, StoreError> {
        bucket.get(key, bytes).await
    }

    /// A call to a system outside, with or without an idempotency key.
    async fn call(&self, outside: &Outside, request: String, key: Option<String>) -> Result<u64, OutsideError> {
        outside.send(request, key).await
    }

    /// The question to a system outside whether it has done something.
    async fn probe(&self, outside: &Outside, request: String) -> Result<Option<u64>, OutsideError> {
        outside.probe(request).await
    }
}
