//! Between a process and its ports: asks before each request, and passes on what is granted.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use onecommit_authority::Call;
use onecommit_engine::{
    DatabaseError, Deadline, Delivery, EventLog, Item, Key, Page, ParkedMessage, PendingMarks, Query, Queue,
    QueueError, Scan, Table, TableReader, TableWriter, Transaction, Verdict, Write,
};
use onecommit_publish::{Destination, DestinationError, EntryError, FailureKind, Outgoing};
use onecommit_simulation::{BatchHandler, Sabotage, SimulatedQueue, SimulatedTables, SimulatedTopic};

use super::cast::{Actor, NoName};
use super::{Record, calls};

/// A process that stands for no function: it is not asked.
pub(super) struct Elsewhere;

impl Sabotage for Elsewhere {}

pub(super) struct Between {
    pub(super) actor: Arc<Actor>,
    pub(super) record: Record,
}

/// It was denied, and noted.
struct Denied;

const DENIED: &str = "AccessDenied";

impl From<Denied> for DatabaseError {
    fn from(_: Denied) -> Self {
        Self::Rejected(DENIED.into())
    }
}

impl Between {
    fn ask(&self, call: Result<Call, NoName>) -> Result<(), Denied> {
        let refused = call.map_or_else(Some, |call| self.actor.refuses(&call));
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
        match self.ask_for("sqs:SendMessage", self.actor.dead_letters()) {
            Ok(()) => queue.park(messages).await,
            Err(Denied) => denied_each(messages.len()),
        }
    }

    async fn delay(&self, queue: &SimulatedQueue, deliveries: &[(&Delivery, Duration)]) -> Vec<Result<(), QueueError>> {
        match self.ask_for("sqs:ChangeMessageVisibility", self.actor.queue()) {
            Ok(()) => queue.delay(deliveries).await,
            Err(Denied) => denied_each(deliveries.len()),
        }
    }

    async fn publish(
        &self,
        topic: &SimulatedTopic,
        events: &[&Outgoing],
    ) -> Result<Vec<Result<String, EntryError>>, DestinationError> {
        let call = self
            .actor
            .publishing()
            .map(|(action, resource)| Call::new(action, resource));
        match self.ask(call) {
            Ok(()) => topic.send(events).await,
            Err(Denied) => Err(DestinationError {
                blame: FailureKind::Destination,
                message: DENIED.to_owned(),
            }),
        }
    }
}

fn denied_each(count: usize) -> Vec<Result<(), QueueError>> {
    (0..count).map(|_| Err(QueueError::Transient(DENIED.into()))).collect()
}
