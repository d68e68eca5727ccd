use std::sync::Arc;

use onecommit_engine::{Consumer, Deadline, Delivery, Engine, EventLog, Item, Ledger, Settlement, Table, Verdict};
use onecommit_environment::{Environment, SeededRandom, SystemClock};
use onecommit_event::Event;
use onecommit_event::claim_check::PayloadStore;

use crate::database::MemoryDatabase;
use crate::events::delivery_of;
use crate::queue::MemoryQueue;

/// A consumer on tables in memory: the real engine, no AWS.
pub struct TestConsumer {
    engine: Engine,
    database: Arc<MemoryDatabase>,
    queue: MemoryQueue,
}

/// The name of the ledger's table.
const LEDGER: &str = "ledger";

impl TestConsumer {
    /// With empty tables and the real clock.
    #[must_use]
    pub fn new(consumer: Consumer) -> Self {
        let environment = Environment::new(Arc::new(SystemClock), Arc::new(SeededRandom::new(1)));
        Self::on(Arc::default(), consumer, environment)
    }

    /// With tables, a clock and randomness of your own; several consumers may share the tables, as processes do.
    #[must_use]
    pub fn on(database: Arc<MemoryDatabase>, consumer: Consumer, environment: Environment) -> Self {
        let ledger = Ledger::new(Table::new(LEDGER));
        let engine = Engine::new(consumer, database.clone(), ledger, environment);
        Self {
            engine,
            database,
            queue: MemoryQueue::default(),
        }
    }

    /// Claims payloads from this store.
    #[must_use]
    pub fn with_claim_checks(mut self, store: Arc<dyn PayloadStore>) -> Self {
        self.engine = self.engine.with_claim_checks(store);
        self
    }

    /// Appends events to this log.
    #[must_use]
    pub fn with_event_log(mut self, log: EventLog) -> Self {
        self.engine = self.engine.with_event_log(log);
        self
    }

    /// Receives one batch of these events, and tells what became of each.
    pub async fn receive(&self, events: &[&Event]) -> Vec<Verdict> {
        let deliver = |(number, event): (usize, &&Event)| delivery_of(&format!("m-{number}"), event.to_json());
        let deliveries: Vec<Delivery> = events.iter().enumerate().map(deliver).collect();
        self.receive_deliveries(&deliveries).await.0
    }

    /// Receives one batch, settles it with the queue, and tells what became of each delivery and of the batch.
    pub async fn receive_deliveries(&self, deliveries: &[Delivery]) -> (Vec<Verdict>, Settlement) {
        let deadline = Deadline::none();
        let verdicts = self.engine.handle(deliveries, deadline).await;
        let settlement = Settlement::carry_out(&self.engine, &self.queue, deliveries, &verdicts, deadline).await;
        (verdicts, settlement)
    }

    /// A row by its table and its key.
    #[must_use]
    pub fn row(&self, table: &str, key: &[&str]) -> Option<Item> {
        self.database.row(table, key)
    }

    /// The ledger's row of an event.
    #[must_use]
    pub fn ledger_row(&self, event: &Event) -> Option<Item> {
        self.database
            .row(LEDGER, &[&format!("{}#{}", self.engine.name(), event.id())])
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The tables.
    #[must_use]
    pub fn database(&self) -> &MemoryDatabase {
        &self.database
    }

    /// The queue with its dead letters.
    #[must_use]
    pub fn queue(&self) -> &MemoryQueue {
        &self.queue
    }
}
