//! Between a process and its ports: asks before each request, and passes on what is granted.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use onecommit_authority::Call;
use onecommit_engine::{
    DatabaseError, Deadline, Delivery, EventLog, Item, Key, Page, ParkedMessage, PendingMarks, Query, Queue,
    QueueError, Scan, Table, TableReader, TableWriter, Transaction, Verdict, Write,
};
use onecommit_event::claim_check::{PayloadStore, StoreError};
use onecommit_publish::{Destination, DestinationError, EntryError, FailureKind, Outgoing};
use onecommit_simulation::{
    BatchHandler, Process, Sabotage, SimulatedBucket, SimulatedQueue, SimulatedTables, SimulatedTopic,
};

use crate::actor::Actor;
use crate::calls;
use crate::deployed::{Deployed, NoName};
use crate::roles::Record;

/// A process that stands for no function: it is not asked. What it publishes is delivered all the same.
pub(crate) struct Elsewhere {
    pub(crate) deployed: Arc<Deployed>,
    pub(crate) record: Record,
}

impl Elsewhere {
    /// What SNS does with events, which it takes whether or not it can deliver them: that is noted.
    async fn send(
        &self,
        topic: &SimulatedTopic,
        events: &[&Outgoing],
    ) -> Result<Vec<Result<String, EntryError>>, DestinationError> {
        let types: BTreeSet<&str> = events.iter().map(|event| event.event.event_type()).collect();
        let queues = types.into_iter().flat_map(|event_type| topic.queues_for(event_type));
        for queue in queues.collect::<BTreeSet<String>>() {
            match self.deployed.judge_delivery(topic.topic(), &queue) {
                None => {}
                Some(Ok(())) => self.record.judged().delivered += 1,
                Some(Err(refused)) => _ = self.record.judged().denied.insert(refused),
            }
        }
        topic.send(events).await
    }
}

#[async_trait]
impl Sabotage for Elsewhere {
    async fn publish(
        &self,
        topic: &SimulatedTopic,
        events: &[&Outgoing],
    ) -> Result<Vec<Result<String, EntryError>>, DestinationError> {
        self.send(topic, events).await
    }
}

/// A process that stands for a function.
pub(crate) struct Between {
    pub(crate) actor: Arc<Actor>,
    pub(crate) process: Process,
    pub(crate) record: Record,
    pub(crate) elsewhere: Elsewhere,
}

/// It was denied, and noted.
struct Denied;

const DENIED: &str = "AccessDenied";

impl From<Denied> for DatabaseError {
    fn from(_: Denied) -> Self {
        Self::Rejected(DENIED.into())
    }
}

impl From<Denied> for StoreError {
    fn from(_: Denied) -> Self {
        Self::Gone(DENIED.into())
    }
}

impl Between {
    fn ask(&self, call: Result<Call, NoName>) -> Result<(), Denied> {
        if self.record.is_enough() {
            self.process.defect("something was denied");
        }
        let refused = self.actor.refuses(call);
        let mut judged = self.record.judged();
        match refused {
            None => {
                judged.granted += 1;
                Ok(())
            }
            Some(refused) => {
                judged.denied.insert(refused);
                Err(Denied)
            }
        }
    }

    fn ask_for(&self, action: &str, resource: Result<&str, NoName>) -> Result<(), Denied> {
        self.ask(resource.map(|resource| Call::new(action, resource)))
    }
}

#[async_trait]
impl Sabotage for Between {
    async fn transact(&self, tables: &SimulatedTables, transaction: Transaction) -> Result<(), DatabaseError> {
        for write in &transaction.writes {
            self.ask(calls::of_write(&self.actor, write, true))?;
        }
        tables.transact(&transaction).await
    }

    async fn write(&self, tables: &SimulatedTables, write: Write) -> Result<(), DatabaseError> {
        self.ask(calls::of_write(&self.actor, &write, false))?;
        tables.write(&write).await
    }

    async fn get(&self, tables: &SimulatedTables, table: &Table, key: &Key) -> Result<Option<Item>, DatabaseError> {
        self.ask(calls::of_get(&self.actor, table, key))?;
        tables.get(table, key).await
    }

    async fn query(&self, tables: &SimulatedTables, query: &Query) -> Result<Page, DatabaseError> {
        self.ask(calls::of_query(&self.actor, query))?;
        tables.query(query).await
    }

    async fn scan(&self, tables: &SimulatedTables, scan: &Scan) -> Result<Page<Scan>, DatabaseError> {
        self.ask(calls::of_scan(&self.actor, scan.table()))?;
        tables.scan(scan).await
    }

    async fn clear(
        &self,
        tables: &SimulatedTables,
        log: &EventLog,
        events: &[(&str, u64)],
    ) -> Result<(), DatabaseError> {
        for (stream, _) in events {
            self.ask(calls::of_clearing(&self.actor, log.table(), stream))?;
        }
        tables.clear(log, events).await
    }

    /// Lambda takes from the queue in the name of the role, and deletes what was handled.
    async fn handle(&self, handler: &dyn BatchHandler, deliveries: &[Delivery], deadline: Deadline) -> Vec<Verdict> {
        for action in ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"] {
            // Noted; without an answer the batch is delivered again.
            let Ok(()) = self.ask_for(action, self.actor.queue()) else {
                return Vec::new();
            };
        }
        handler.handle(deliveries, deadline).await
    }

    async fn park(&self, queue: &SimulatedQueue, messages: &[ParkedMessage<'_>]) -> Vec<Result<(), QueueError>> {
        match self.ask_for("sqs:SendMessage", self.actor.dead_letters(queue.name())) {
            Ok(()) => queue.park(messages).await,
            Err(Denied) => denied_each(messages.len()),
        }
    }

    async fn delay(&self, queue: &SimulatedQueue, deliveries: &[(&Delivery, Duration)]) -> Vec<Result<(), QueueError>> {
        match self.ask_for("sqs:ChangeMessageVisibility", self.actor.queue_named(queue.name())) {
            Ok(()) => queue.delay(deliveries).await,
            Err(Denied) => denied_each(deliveries.len()),
        }
    }

    async fn publish(
        &self,
        topic: &SimulatedTopic,
        events: &[&Outgoing],
    ) -> Result<Vec<Result<String, EntryError>>, DestinationError> {
        let calls = calls::of_publishing(&self.actor, topic.topic(), events);
        let asked = match calls {
            Ok(calls) => calls.into_iter().try_for_each(|call| self.ask(Ok(call))),
            Err(no_name) => self.ask(Err(no_name)),
        };
        match asked {
            Ok(()) => self.elsewhere.send(topic, events).await,
            Err(Denied) => Err(DestinationError {
                blame: FailureKind::Destination,
                message: DENIED.to_owned(),
            }),
        }
    }

    async fn put_payload(&self, bucket: &SimulatedBucket, key: &str, payload: &str) -> Result<(), StoreError> {
        self.ask(calls::of_payload(&self.actor, "s3:PutObject", bucket.name(), key))?;
        bucket.put(key, payload).await
    }

    async fn get_payload(&self, bucket: &SimulatedBucket, key: &str, bytes: u64) -> Result<String, StoreError> {
        self.ask(calls::of_payload(&self.actor, "s3:GetObject", bucket.name(), key))?;
        let payload = bucket.get(key, bytes).await;
        if let Err(StoreError::Gone(_)) = payload {
            self.ask(calls::of_absence(&self.actor, bucket.name()))?;
        }
        payload
    }
}

fn denied_each(count: usize) -> Vec<Result<(), QueueError>> {
    (0..count).map(|_| Err(QueueError::Transient(DENIED.into()))).collect()
}
