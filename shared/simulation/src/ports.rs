//! The ports of a process in a simulated world: every call is a request that the simulation decides about.

// Within the ports, because each names the other: a port passes its requests to a sabotage, which gets the port.
mod sabotage;

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use onecommit_engine::{
    Cancellation, DatabaseError, Delivery, EventLog, IdempotencyKey, Item, Key, Page, ParkReason, ParkedMessage,
    PendingMarks, Query, Queue, QueueError, Scan, Table, TableReader, TableWriter, Transaction, TransientKind, Write,
};
use onecommit_event::Event;
use onecommit_event::claim_check::{PayloadStore, StoreError};
use onecommit_publish::{Destination, DestinationError, EntryError, FailureKind, Limits, Outgoing};

use super::backend::Backend;
use super::core::{Core, Who};
use super::fault::Fault;
use super::operation::{Nature, Operation};
use super::outage::Target;

pub use sabotage::Sabotage;

/// The tables as one process reaches them.
pub struct SimulatedTables {
    pub(crate) core: Arc<Core>,
    pub(crate) who: Who,
    pub(crate) sabotage: Option<Arc<dyn Sabotage>>,
}

const OF_TRANSACTIONS: &[Fault] = &[
    Fault::CrashBefore,
    Fault::CrashAfter,
    Fault::AnswerLost,
    Fault::Late,
    Fault::Conflict,
    Fault::Throttled,
    Fault::Slow,
    Fault::CrashInFlight,
];
const OF_WRITES: &[Fault] = &[
    Fault::CrashBefore,
    Fault::CrashAfter,
    Fault::AnswerLost,
    Fault::Late,
    Fault::Throttled,
    Fault::Slow,
    Fault::CrashInFlight,
];
const OF_INDEX_READS: &[Fault] = &[Fault::CrashBefore, Fault::Unreachable, Fault::Slow, Fault::Behind];
const OF_READS: &[Fault] = &[Fault::CrashBefore, Fault::Unreachable, Fault::Slow];

fn transient(fault: Fault) -> DatabaseError {
    let kind = match fault {
        Fault::Throttled => TransientKind::Throttled,
        Fault::Conflict => TransientKind::Conflict,
        _ => TransientKind::Unavailable,
    };
    DatabaseError::Transient(kind, fault.to_string().into())
}

fn is_table(target: &Target, name: &str) -> bool {
    matches!(target, Target::Table(table) if table == name)
}

fn is_queue(target: &Target, name: &str) -> bool {
    matches!(target, Target::Queue(queue) if queue == name)
}

fn say(write: &Write) -> String {
    let what = match write {
        Write::Put(_) => "put",
        Write::Update(_) => "update",
        Write::Delete(_) => "delete",
        Write::Check(_) => "check",
    };
    format!("{what} {}", write.target().replace(['\u{0}', '\u{1}', '\u{2}'], "/"))
}

struct Transact(Transaction);

impl Operation for Transact {
    type Answer = Result<(), DatabaseError>;

    fn describe(&self) -> String {
        let writes: Vec<String> = self.0.writes.iter().map(say).collect();
        format!("transaction: {}", writes.join(", "))
    }

    fn content(&self) -> String {
        format!("transaction: {:?}", self.0.writes)
    }

    fn faults(&self) -> &'static [Fault] {
        OF_TRANSACTIONS
    }

    fn carry_out(&mut self, backend: &mut Backend, _: Duration, _: usize, _: Option<Fault>) -> Self::Answer {
        backend.database.transact_now(&self.0)
    }

    fn needs(&self, target: &Target) -> bool {
        self.0.writes.iter().any(|write| is_table(target, write.table().name()))
    }

    fn no_answer(&self, fault: Fault) -> Self::Answer {
        if fault == Fault::Conflict {
            let mut reasons = vec![Cancellation::None; self.0.writes.len()];
            if let Some(first) = reasons.first_mut() {
                *first = Cancellation::Transient(TransientKind::Conflict);
            }
            return Err(DatabaseError::Cancelled(reasons));
        }
        Err(transient(fault))
    }
}

struct WriteOne(Write);

impl Operation for WriteOne {
    type Answer = Result<(), DatabaseError>;

    fn describe(&self) -> String {
        say(&self.0)
    }

    fn content(&self) -> String {
        format!("{:?}", self.0)
    }

    fn faults(&self) -> &'static [Fault] {
        OF_WRITES
    }

    fn carry_out(&mut self, backend: &mut Backend, _: Duration, _: usize, _: Option<Fault>) -> Self::Answer {
        backend.database.write_now(&self.0)
    }

    fn needs(&self, target: &Target) -> bool {
        is_table(target, self.0.table().name())
    }

    fn no_answer(&self, fault: Fault) -> Self::Answer {
        Err(transient(fault))
    }
}

/// A read: what asks, and what it does.
struct Read<R, F> {
    table: String,
    what: String,
    read: F,
    answer: std::marker::PhantomData<fn() -> R>,
}

impl<R, F> Operation for Read<R, F>
where
    R: Send + 'static,
    F: FnMut(&Backend) -> Result<R, DatabaseError> + Send + 'static,
{
    type Answer = Result<R, DatabaseError>;

    fn describe(&self) -> String {
        format!("read {}", self.what)
    }

    fn faults(&self) -> &'static [Fault] {
        OF_READS
    }

    fn carry_out(&mut self, backend: &mut Backend, _: Duration, _: usize, _: Option<Fault>) -> Self::Answer {
        (self.read)(backend)
    }

    fn needs(&self, target: &Target) -> bool {
        is_table(target, &self.table)
    }

    fn no_answer(&self, fault: Fault) -> Self::Answer {
        Err(transient(fault))
    }
}

struct ClearMarks {
    log: EventLog,
    events: Vec<(String, u64)>,
}

impl Operation for ClearMarks {
    type Answer = Result<(), DatabaseError>;

    fn describe(&self) -> String {
        let events: Vec<String> = self
            .events
            .iter()
            .map(|(stream, version)| format!("{stream}/{version}"))
            .collect();
        format!("mark as left: {}", events.join(", "))
    }

    fn faults(&self) -> &'static [Fault] {
        OF_WRITES
    }

    fn carry_out(&mut self, backend: &mut Backend, _: Duration, _: usize, _: Option<Fault>) -> Self::Answer {
        let events = self.events.iter().map(|(stream, version)| (stream.as_str(), *version));
        backend.database.clear_now(&self.log, events)
    }

    fn needs(&self, target: &Target) -> bool {
        is_table(target, self.log.table().name())
    }

    fn no_answer(&self, fault: Fault) -> Self::Answer {
        Err(transient(fault))
    }
}

struct ReadIndex(Query);

impl Operation for ReadIndex {
    type Answer = Result<Page, DatabaseError>;

    fn describe(&self) -> String {
        format!("read {}", rows_of(&self.0))
    }

    fn faults(&self) -> &'static [Fault] {
        OF_INDEX_READS
    }

    fn carry_out(&mut self, backend: &mut Backend, _: Duration, _: usize, fault: Option<Fault>) -> Self::Answer {
        if fault == Some(Fault::Behind) {
            backend.database.query_behind_now(&self.0)
        } else {
            backend.database.query_now(&self.0)
        }
    }

    fn needs(&self, target: &Target) -> bool {
        is_table(target, self.0.table().name())
    }

    fn no_answer(&self, fault: Fault) -> Self::Answer {
        Err(transient(fault))
    }
}

fn rows_of(query: &Query) -> String {
    let partition = query.partition().1;
    let index = query.index().map(|index| format!(" by index {}", index.name));
    let index = index.unwrap_or_default();
    format!(
        "rows of {}{index} with {}",
        query.table(),
        partition.as_str().unwrap_or("a key")
    )
}

#[async_trait]
impl TableWriter for SimulatedTables {
    async fn transact(&self, transaction: &Transaction) -> Result<(), DatabaseError> {
        if let Some(sabotage) = &self.sabotage {
            return sabotage.transact(&self.direct(), transaction.clone()).await;
        }
        self.core.request(self.who, Transact(transaction.clone())).await
    }

    async fn write(&self, write: &Write) -> Result<(), DatabaseError> {
        if let Some(sabotage) = &self.sabotage {
            return sabotage.write(&self.direct(), write.clone()).await;
        }
        self.core.request(self.who, WriteOne(write.clone())).await
    }
}

impl SimulatedTables {
    /// The same without a sabotage between.
    fn direct(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
            who: self.who,
            sabotage: None,
        }
    }

    async fn read<R: Send + 'static>(
        &self,
        table: &Table,
        what: String,
        read: impl FnMut(&Backend) -> Result<R, DatabaseError> + Send + 'static,
    ) -> Result<R, DatabaseError> {
        let (table, answer) = (table.name().to_owned(), std::marker::PhantomData);
        let read = Read {
            table,
            what,
            read,
            answer,
        };
        self.core.request(self.who, read).await
    }
}

#[async_trait]
impl TableReader for SimulatedTables {
    async fn get(&self, table: &Table, key: &Key) -> Result<Option<Item>, DatabaseError> {
        if let Some(sabotage) = &self.sabotage {
            return sabotage.get(&self.direct(), table, key).await;
        }
        let (table, key) = (table.clone(), key.clone());
        let what = say(&Write::from(table.delete(key.clone()))).replacen("delete ", "", 1);
        self.read(&table.clone(), what, move |backend| {
            backend.database.get_now(&table, &key)
        })
        .await
    }

    async fn query(&self, query: &Query) -> Result<Page, DatabaseError> {
        if let Some(sabotage) = &self.sabotage {
            return sabotage.query(&self.direct(), query).await;
        }
        if query.index().is_some() {
            return self.core.request(self.who, ReadIndex(query.clone())).await;
        }
        let query = query.clone();
        let table = query.table().clone();
        self.read(&table, rows_of(&query), move |backend| {
            backend.database.query_now(&query)
        })
        .await
    }

    async fn scan(&self, scan: &Scan) -> Result<Page<Scan>, DatabaseError> {
        if let Some(sabotage) = &self.sabotage {
            return sabotage.scan(&self.direct(), scan).await;
        }
        let scan = scan.clone();
        let what = format!("all rows of {}", scan.table());
        let table = scan.table().clone();
        self.read(&table, what, move |backend| backend.database.scan_now(&scan))
            .await
    }
}

#[async_trait]
impl PendingMarks for SimulatedTables {
    async fn clear(&self, log: &EventLog, events: &[(&str, u64)]) -> Result<(), DatabaseError> {
        if let Some(sabotage) = &self.sabotage {
            return sabotage.clear(&self.direct(), log, events).await;
        }
        let events = events
            .iter()
            .map(|(stream, version)| ((*stream).to_owned(), *version))
            .collect();
        let log = log.clone();
        self.core.request(self.who, ClearMarks { log, events }).await
    }
}

/// A queue as one process reaches it.
pub struct SimulatedQueue {
    pub(crate) core: Arc<Core>,
    pub(crate) who: Who,
    pub(crate) sabotage: Option<Arc<dyn Sabotage>>,
    pub(crate) name: String,
}

struct Receive {
    queue: String,
    most: usize,
    /// Whether clocks jump, and copies are delivered, in this world.
    faults: &'static [Fault],
}

impl Operation for Receive {
    type Answer = Vec<Delivery>;

    fn describe(&self) -> String {
        format!("receive from {}", self.queue)
    }

    fn ways(&self, backend: &Backend, now: Duration) -> usize {
        backend.queues.get(&self.queue).map_or(0, |queue| queue.firsts(now))
    }

    fn faults(&self) -> &'static [Fault] {
        self.faults
    }

    fn carry_out(&mut self, backend: &mut Backend, now: Duration, way: usize, fault: Option<Fault>) -> Vec<Delivery> {
        let stays = fault == Some(Fault::Doubled);
        let queue = backend.queues.get_mut(&self.queue);
        queue.map_or_else(Vec::new, |queue| queue.receive(self.most, way, now, stays))
    }

    fn needs(&self, target: &Target) -> bool {
        is_queue(target, &self.queue)
    }

    fn nature(&self) -> Nature {
        Nature::Poll
    }

    fn no_answer(&self, _: Fault) -> Vec<Delivery> {
        Vec::new()
    }
}

const OF_RECEIVING: &[Fault] = &[Fault::CrashAfter, Fault::Doubled, Fault::ClockAhead, Fault::ClockBehind];
const OF_FIFO_RECEIVING: &[Fault] = &[Fault::CrashAfter, Fault::ClockAhead, Fault::ClockBehind];

struct Finish {
    queue: String,
    receipts: Vec<String>,
}

impl Operation for Finish {
    type Answer = ();

    fn describe(&self) -> String {
        format!("finished with {} of {}", self.receipts.join(", "), self.queue)
    }

    fn faults(&self) -> &'static [Fault] {
        &[Fault::CrashBefore, Fault::CrashAfter, Fault::Unreachable, Fault::Slow]
    }

    fn carry_out(&mut self, backend: &mut Backend, _: Duration, _: usize, _: Option<Fault>) {
        if let Some(queue) = backend.queues.get_mut(&self.queue) {
            self.receipts.iter().for_each(|receipt| queue.delete(receipt));
        }
    }

    fn needs(&self, target: &Target) -> bool {
        is_queue(target, &self.queue)
    }

    fn nature(&self) -> Nature {
        Nature::Settling
    }

    fn no_answer(&self, _: Fault) {}
}

struct Park {
    queue: String,
    messages: Vec<(Delivery, ParkReason, String)>,
}

impl Operation for Park {
    type Answer = Vec<Result<(), QueueError>>;

    fn describe(&self) -> String {
        let messages: Vec<String> = self
            .messages
            .iter()
            .map(|(delivery, reason, _)| format!("{} ({reason})", delivery.message_id))
            .collect();
        format!("park {}", messages.join(", "))
    }

    fn faults(&self) -> &'static [Fault] {
        &[
            Fault::CrashBefore,
            Fault::CrashAfter,
            Fault::AnswerLost,
            Fault::Unreachable,
            Fault::Slow,
        ]
    }

    fn carry_out(&mut self, backend: &mut Backend, _: Duration, _: usize, _: Option<Fault>) -> Self::Answer {
        if let Some(queue) = backend.queues.get_mut(&self.queue) {
            queue.parked.extend(self.messages.iter().cloned());
        }
        self.messages.iter().map(|_| Ok(())).collect()
    }

    fn needs(&self, target: &Target) -> bool {
        matches!(target, Target::DeadLetters(queue) if *queue == self.queue)
    }

    fn no_answer(&self, fault: Fault) -> Self::Answer {
        let error = || Err(QueueError::Transient(fault.to_string().into()));
        self.messages.iter().map(|_| error()).collect()
    }
}

struct Delay {
    queue: String,
    deliveries: Vec<(String, Duration)>,
}

impl Operation for Delay {
    type Answer = Vec<Result<(), QueueError>>;

    fn describe(&self) -> String {
        let deliveries: Vec<String> = self
            .deliveries
            .iter()
            .map(|(receipt, after)| format!("{receipt} by {} ms", after.as_millis()))
            .collect();
        format!("delay {}", deliveries.join(", "))
    }

    fn faults(&self) -> &'static [Fault] {
        &[Fault::CrashBefore, Fault::Unreachable]
    }

    fn carry_out(&mut self, backend: &mut Backend, now: Duration, _: usize, _: Option<Fault>) -> Self::Answer {
        if let Some(queue) = backend.queues.get_mut(&self.queue) {
            for (receipt, after) in &self.deliveries {
                queue.delay(receipt, now + *after, now);
            }
        }
        self.deliveries.iter().map(|_| Ok(())).collect()
    }

    fn needs(&self, target: &Target) -> bool {
        is_queue(target, &self.queue)
    }

    fn no_answer(&self, fault: Fault) -> Self::Answer {
        let error = || Err(QueueError::Transient(fault.to_string().into()));
        self.deliveries.iter().map(|_| error()).collect()
    }
}

#[async_trait]
impl Queue for SimulatedQueue {
    async fn park(&self, messages: &[ParkedMessage<'_>]) -> Vec<Result<(), QueueError>> {
        if let Some(sabotage) = &self.sabotage {
            return sabotage.park(&self.direct(), messages).await;
        }
        let queue = self.name.clone();
        let messages = messages
            .iter()
            .map(|message| (message.delivery.clone(), message.reason, message.error.to_owned()))
            .collect();
        self.core.request(self.who, Park { queue, messages }).await
    }

    async fn delay(&self, deliveries: &[(&Delivery, Duration)]) -> Vec<Result<(), QueueError>> {
        if let Some(sabotage) = &self.sabotage {
            return sabotage.delay(&self.direct(), deliveries).await;
        }
        let queue = self.name.clone();
        let deliveries = deliveries
            .iter()
            .map(|(delivery, after)| (delivery.receipt.clone(), *after))
            .collect();
        self.core.request(self.who, Delay { queue, deliveries }).await
    }
}

impl SimulatedQueue {
    /// The same without a sabotage between.
    fn direct(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
            who: self.who,
            sabotage: None,
            name: self.name.clone(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits for messages.
    pub(crate) async fn receive(&self, most: usize, is_fifo: bool) -> Vec<Delivery> {
        let queue = self.name.clone();
        let faults = if is_fifo { OF_FIFO_RECEIVING } else { OF_RECEIVING };
        self.core.request(self.who, Receive { queue, most, faults }).await
    }

    /// Tells the queue what is finished with, as Lambda's event source mapping does after the function's answer.
    pub(crate) async fn finish(&self, receipts: Vec<String>) {
        if receipts.is_empty() {
            return;
        }
        let queue = self.name.clone();
        self.core.request(self.who, Finish { queue, receipts }).await;
    }
}

/// A topic or a bus as one process reaches it.
pub struct SimulatedTopic {
    pub(crate) core: Arc<Core>,
    pub(crate) who: Who,
    pub(crate) sabotage: Option<Arc<dyn Sabotage>>,
    pub(crate) name: String,
}

impl SimulatedTopic {
    /// The same without a sabotage between.
    fn direct(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
            who: self.who,
            sabotage: None,
            name: self.name.clone(),
        }
    }

    /// Its name in the simulated world.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.name
    }

    /// The queues that get events of this type.
    #[must_use]
    pub fn queues_for(&self, event_type: &str) -> Vec<String> {
        let state = self.core.lock();
        let topic = state.backend.topics.get(&self.name);
        topic.map(|topic| topic.queues_for(event_type)).unwrap_or_default()
    }
}

struct Publish {
    topic: String,
    events: Vec<Event>,
}

const OF_PUBLISHING: &[Fault] = &[
    Fault::CrashBefore,
    Fault::CrashAfter,
    Fault::AnswerLost,
    Fault::Late,
    Fault::Unreachable,
    Fault::Doubled,
    Fault::Slow,
    Fault::Partial,
    Fault::CrashInFlight,
];

impl Operation for Publish {
    type Answer = Result<Vec<Result<String, EntryError>>, DestinationError>;

    fn describe(&self) -> String {
        let events: Vec<String> = self
            .events
            .iter()
            .map(|event| match event.metadata().sequence {
                Some(sequence) => format!("{} {}/{sequence}", event.event_type(), event.aggregate()),
                None => format!("{} of {}", event.event_type(), event.aggregate()),
            })
            .collect();
        format!("publish {}", events.join(", "))
    }

    fn content(&self) -> String {
        let events: Vec<String> = self.events.iter().map(Event::to_json).collect();
        format!("publish {}", events.join(", "))
    }

    fn faults(&self) -> &'static [Fault] {
        OF_PUBLISHING
    }

    fn carry_out(&mut self, backend: &mut Backend, now: Duration, _: usize, fault: Option<Fault>) -> Self::Answer {
        let mut results = Vec::with_capacity(self.events.len());
        for (place, event) in self.events.iter().enumerate() {
            // The first is refused, so that an order that depends on it is at stake.
            if fault == Some(Fault::Partial) && place % 2 == 0 {
                results.push(Err(EntryError {
                    blame: FailureKind::Passing,
                    message: "InternalFailure".to_owned(),
                }));
                continue;
            }
            if !backend.takes(&self.topic, event.event_type()) {
                results.push(Err(EntryError {
                    blame: FailureKind::Event,
                    message: "MalformedDetail".to_owned(),
                }));
                continue;
            }
            backend.publish(&self.topic, event, now);
            if fault == Some(Fault::Doubled) {
                backend.publish(&self.topic, event, now);
            }
            results.push(Ok(event.id().to_string()));
        }
        Ok(results)
    }

    fn needs(&self, target: &Target) -> bool {
        matches!(target, Target::Topic(topic) if *topic == self.topic)
    }

    fn no_answer(&self, fault: Fault) -> Self::Answer {
        Err(DestinationError {
            blame: FailureKind::Passing,
            message: fault.to_string(),
        })
    }
}

#[async_trait]
impl Destination for SimulatedTopic {
    fn name(&self) -> &'static str {
        "topic"
    }

    fn limits(&self) -> Limits {
        Limits {
            entries_max: 10,
            entry_bytes_max: 262_144,
            batch_bytes_max: 262_144,
        }
    }

    fn bytes(&self, event: &Outgoing) -> usize {
        event.json.len()
    }

    async fn send(&self, batch: &[&Outgoing]) -> Result<Vec<Result<String, EntryError>>, DestinationError> {
        if let Some(sabotage) = &self.sabotage {
            return sabotage.publish(&self.direct(), batch).await;
        }
        let topic = self.name.clone();
        let events = batch.iter().map(|outgoing| outgoing.event.clone()).collect();
        self.core.request(self.who, Publish { topic, events }).await
    }
}

/// A bucket of payloads as one process reaches it.
pub struct SimulatedBucket {
    pub(crate) core: Arc<Core>,
    pub(crate) who: Who,
    pub(crate) sabotage: Option<Arc<dyn Sabotage>>,
    pub(crate) name: String,
}

impl SimulatedBucket {
    /// The same without a sabotage between.
    fn direct(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
            who: self.who,
            sabotage: None,
            name: self.name.clone(),
        }
    }
}

const OF_BUCKETS: &[Fault] = &[Fault::CrashBefore, Fault::Unreachable, Fault::Slow];

struct PutPayload {
    bucket: String,
    key: String,
    payload: String,
}

impl Operation for PutPayload {
    type Answer = Result<(), StoreError>;

    fn describe(&self) -> String {
        format!("put {}/{}", self.bucket, self.key)
    }

    fn faults(&self) -> &'static [Fault] {
        OF_BUCKETS
    }

    fn carry_out(&mut self, backend: &mut Backend, _: Duration, _: usize, _: Option<Fault>) -> Self::Answer {
        let bucket = backend.buckets.entry(self.bucket.clone()).or_default();
        bucket.entry(self.key.clone()).or_insert_with(|| self.payload.clone());
        Ok(())
    }

    fn needs(&self, target: &Target) -> bool {
        matches!(target, Target::Bucket(bucket) if *bucket == self.bucket)
    }

    fn no_answer(&self, fault: Fault) -> Self::Answer {
        Err(StoreError::Transient(fault.to_string().into()))
    }
}

struct GetPayload {
    bucket: String,
    key: String,
}

impl Operation for GetPayload {
    type Answer = Result<String, StoreError>;

    fn describe(&self) -> String {
        format!("get {}/{}", self.bucket, self.key)
    }

    fn faults(&self) -> &'static [Fault] {
        OF_BUCKETS
    }

    fn carry_out(&mut self, backend: &mut Backend, _: Duration, _: usize, _: Option<Fault>) -> Self::Answer {
        let bucket = backend.buckets.get(&self.bucket);
        let payload = bucket.and_then(|bucket| bucket.get(&self.key)).cloned();
        payload.ok_or_else(|| StoreError::Gone("there is no such key".into()))
    }

    fn needs(&self, target: &Target) -> bool {
        matches!(target, Target::Bucket(bucket) if *bucket == self.bucket)
    }

    fn no_answer(&self, fault: Fault) -> Self::Answer {
        Err(StoreError::Transient(fault.to_string().into()))
    }
}

#[async_trait]
impl PayloadStore for SimulatedBucket {
    fn name(&self) -> &str {
        &self.name
    }

    async fn put(&self, key: &str, payload: &str) -> Result<(), StoreError> {
        if let Some(sabotage) = &self.sabotage {
            return sabotage.put_payload(&self.direct(), key, payload).await;
        }
        let put = PutPayload {
            bucket: self.name.clone(),
            key: key.to_owned(),
            payload: payload.to_owned(),
        };
        self.core.request(self.who, put).await
    }

    async fn get(&self, key: &str, bytes: u64) -> Result<String, StoreError> {
        if let Some(sabotage) = &self.sabotage {
            return sabotage.get_payload(&self.direct(), key, bytes).await;
        }
        let (bucket, key) = (self.name.clone(), key.to_owned());
        self.core.request(self.who, GetPayload { bucket, key }).await
    }
}

/// A system that is not ours, as one process reaches it. It does what it is asked: once for each idempotency key, and
/// every time it is asked without one.
#[derive(Clone)]
pub struct Outside {
    pub(crate) core: Arc<Core>,
    pub(crate) who: Who,
    pub(crate) sabotage: Option<Arc<dyn Sabotage>>,
    pub(crate) name: String,
    /// How long an answer is waited for when none comes.
    pub(crate) limit: Option<Duration>,
}

/// Why a call of an [`Outside`] was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutsideError {
    /// Nothing happened.
    NotDone,
    /// It may have happened.
    Unknown,
}

impl fmt::Display for OutsideError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotDone => "there was no connection",
            Self::Unknown => "no answer came",
        })
    }
}

impl Error for OutsideError {}

struct Call {
    outside: String,
    limit: Option<Duration>,
    request: String,
    key: Option<String>,
}

impl Operation for Call {
    type Answer = Result<u64, OutsideError>;

    fn describe(&self) -> String {
        format!("call {}: {}", self.outside, self.request)
    }

    fn faults(&self) -> &'static [Fault] {
        match self.key {
            // Who honours no key gives nobody a way to take a request back that is still on its way.
            None => &[
                Fault::CrashBefore,
                Fault::CrashAfter,
                Fault::AnswerLost,
                Fault::Unreachable,
            ],
            Some(_) => &[
                Fault::CrashBefore,
                Fault::CrashAfter,
                Fault::AnswerLost,
                Fault::Unreachable,
                Fault::Late,
                Fault::Slow,
                Fault::CrashInFlight,
            ],
        }
    }

    fn carry_out(&mut self, backend: &mut Backend, _: Duration, _: usize, _: Option<Fault>) -> Self::Answer {
        let outside = backend.outsides.entry(self.outside.clone()).or_default();
        Ok(outside.call(&self.request, self.key.as_deref()))
    }

    fn needs(&self, target: &Target) -> bool {
        matches!(target, Target::Outside(outside) if *outside == self.outside)
    }

    fn nature(&self) -> Nature {
        Nature::Call(self.limit)
    }

    fn no_answer(&self, fault: Fault) -> Self::Answer {
        Err(match fault {
            Fault::Unreachable => OutsideError::NotDone,
            _ => OutsideError::Unknown,
        })
    }
}

struct Probe {
    outside: String,
    limit: Option<Duration>,
    request: String,
}

impl Operation for Probe {
    type Answer = Result<Option<u64>, OutsideError>;

    fn describe(&self) -> String {
        format!("ask {} whether it did: {}", self.outside, self.request)
    }

    fn faults(&self) -> &'static [Fault] {
        &[Fault::CrashBefore, Fault::Unreachable]
    }

    fn carry_out(&mut self, backend: &mut Backend, _: Duration, _: usize, _: Option<Fault>) -> Self::Answer {
        let done = backend.outsides.get(&self.outside).map(|outside| &outside.done);
        let place = done.and_then(|done| done.iter().position(|(request, _)| *request == self.request));
        Ok(place.map(|place| place as u64 + 1))
    }

    fn needs(&self, target: &Target) -> bool {
        matches!(target, Target::Outside(outside) if *outside == self.outside)
    }

    fn nature(&self) -> Nature {
        Nature::Call(self.limit)
    }

    fn no_answer(&self, _: Fault) -> Self::Answer {
        Err(OutsideError::NotDone)
    }
}

impl Outside {
    /// The same without a sabotage between.
    fn direct(&self) -> Self {
        Self {
            sabotage: None,
            ..self.clone()
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits no longer than this for an answer, where an outage keeps it from coming.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Asks it to do something, and gives the number of what it did, from 1.
    ///
    /// # Errors
    /// See [`OutsideError`].
    pub async fn call(&self, request: impl Into<String>) -> Result<u64, OutsideError> {
        self.send(request.into(), None).await
    }

    /// The same with an idempotency key: it is done once, however often it is asked for.
    ///
    /// # Errors
    /// See [`OutsideError`].
    pub async fn call_once(&self, request: impl Into<String>, key: &IdempotencyKey) -> Result<u64, OutsideError> {
        self.send(request.into(), Some(key.to_string())).await
    }

    /// Asks it whether it did something, and which number that has.
    ///
    /// # Errors
    /// When it cannot be asked for now.
    pub async fn probe(&self, request: impl Into<String>) -> Result<Option<u64>, OutsideError> {
        if let Some(sabotage) = &self.sabotage {
            return sabotage.probe(&self.direct(), request.into()).await;
        }
        let (outside, request) = (self.name.clone(), request.into());
        let limit = self.limit;
        let probe = Probe {
            outside,
            limit,
            request,
        };
        self.core.request(self.who, probe).await
    }

    /// A call with an idempotency key, or without one.
    ///
    /// # Errors
    /// See [`OutsideError`].
    pub async fn send(&self, request: String, key: Option<String>) -> Result<u64, OutsideError> {
        if let Some(sabotage) = &self.sabotage {
            return sabotage.call(&self.direct(), request, key).await;
        }
        let outside = self.name.clone();
        let limit = self.limit;
        let call = Call {
            outside,
            limit,
            request,
            key,
        };
        self.core.request(self.who, call).await
    }
}

pub(crate) struct ReadStream {
    pub(crate) shard: usize,
    pub(crate) most: usize,
}

/// A batch of a stream: where it starts, and its records.
pub(crate) type StreamBatch = (usize, Vec<onecommit_relay::StreamRecord>);

impl Operation for ReadStream {
    type Answer = StreamBatch;

    fn describe(&self) -> String {
        format!("read shard {} of the stream", self.shard)
    }

    fn ways(&self, backend: &Backend, _: Duration) -> usize {
        let shard = &backend.shards[self.shard];
        usize::from(shard.done < shard.records.len())
    }

    fn faults(&self) -> &'static [Fault] {
        &[
            Fault::CrashAfter,
            Fault::Replayed,
            Fault::Trimmed,
            Fault::ClockAhead,
            Fault::ClockBehind,
        ]
    }

    fn carry_out(&mut self, backend: &mut Backend, _: Duration, _: usize, fault: Option<Fault>) -> StreamBatch {
        let shard = &mut backend.shards[self.shard];
        let next = shard.records.get(shard.done);
        // What carries no mark, nothing but an operator finds again.
        if fault == Some(Fault::Trimmed) && next.is_some_and(|next| EventLog::is_pending(&next.row)) {
            shard.records.remove(shard.done);
        }
        let back = if fault == Some(Fault::Replayed) { 2 } else { 0 };
        let start = shard.done.saturating_sub(back);
        let records = shard.records.iter().skip(start).take(self.most).cloned();
        (start, records.collect())
    }

    fn nature(&self) -> Nature {
        Nature::Poll
    }

    fn no_answer(&self, _: Fault) -> StreamBatch {
        (0, Vec::new())
    }
}

pub(crate) struct FinishStream {
    pub(crate) shard: usize,
    pub(crate) done: usize,
}

impl Operation for FinishStream {
    type Answer = ();

    fn describe(&self) -> String {
        format!("done with {} records of shard {}", self.done, self.shard)
    }

    fn faults(&self) -> &'static [Fault] {
        &[Fault::CrashBefore, Fault::CrashAfter, Fault::Unreachable, Fault::Slow]
    }

    fn carry_out(&mut self, backend: &mut Backend, _: Duration, _: usize, _: Option<Fault>) {
        backend.shards[self.shard].done = self.done;
    }

    fn nature(&self) -> Nature {
        Nature::Settling
    }

    fn no_answer(&self, _: Fault) {}
}
