//! The engine, the orchestrator and the sweeper on tables in memory, and participants that say what a test tells them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use onecommit_engine::{Consumer, EventLog, Table, TableReader, Verdict};
use onecommit_environment::{Environment, SeededRandom, Timestamp};
use onecommit_event::{Aggregate, Event, Payload};
use onecommit_saga::{
    DeadlineSender, DeadlineSenderError, Definition, JournalEntry, Orchestrator, SagaDeadlineReached, SagaEcho,
    SagaRow, Status, Sweeper, What,
};
use onecommit_testing::{MemoryDatabase, TestConsumer, VirtualClock};
use storefront_money::{Currency, Money};

use crate::order::{
    ConfirmOrder, InventoryReleased, InventoryReserved, OrderConfirmed, OrderCreated, PaymentTaken, PaymentVoided,
    ReleaseInventory, ReserveInventory, TakePayment, VoidPayment, order_saga,
};

pub(crate) const SAGAS: &str = "sagas";
const EVENTS: &str = "events";

/// A process that runs sagas; several may share the tables.
pub(crate) struct Shop {
    pub(crate) database: Arc<MemoryDatabase>,
    pub(crate) environment: Environment,
    pub(crate) kit: TestConsumer,
}

impl Shop {
    pub(crate) fn open() -> Self {
        Self::running([order_saga().unwrap()])
    }

    pub(crate) fn running(definitions: impl IntoIterator<Item = Definition>) -> Self {
        let clock = VirtualClock::showing(Timestamp::parse("2026-11-22T07:00:00Z").unwrap());
        let environment = Environment::new(Arc::new(clock), Arc::new(SeededRandom::new(1)));
        Self::on(Arc::default(), environment, definitions, Orchestrator::REMEMBERED_MAX)
    }

    /// One that remembers no saga.
    pub(crate) fn forgetful() -> Self {
        let shop = Self::open();
        Self::on(shop.database, shop.environment, [order_saga().unwrap()], 0)
    }

    /// Another process on the same tables.
    pub(crate) fn another(&self, definitions: impl IntoIterator<Item = Definition>) -> Self {
        let environment = Environment::new(
            Arc::new(VirtualClock::showing(self.environment.clock().now())),
            Arc::new(SeededRandom::new(2)),
        );
        Self::on(
            self.database.clone(),
            environment,
            definitions,
            Orchestrator::REMEMBERED_MAX,
        )
    }

    /// Another process on the same tables, whose clock is behind.
    pub(crate) fn another_behind(&self, behind: Duration) -> Self {
        let now = self.environment.clock().now().unix_ms() - i64::try_from(behind.as_millis()).unwrap();
        let clock = VirtualClock::showing(Timestamp::from_unix_ms(now));
        let environment = Environment::new(Arc::new(clock), Arc::new(SeededRandom::new(3)));
        Self::on(self.database.clone(), environment, [order_saga().unwrap()], 0)
    }

    fn on(
        database: Arc<MemoryDatabase>,
        environment: Environment,
        definitions: impl IntoIterator<Item = Definition>,
        remembered: usize,
    ) -> Self {
        let rows: Arc<dyn TableReader> = database.clone();
        let orchestrator = Orchestrator::new(definitions, Table::new(SAGAS), rows, environment.clone());
        let consumer: Consumer = orchestrator.unwrap().remembering(remembered).consumer("orchestrator");
        let kit = TestConsumer::on(database.clone(), consumer, environment.clone());
        Self {
            kit: kit.with_event_log(EventLog::new(Table::new(EVENTS))),
            database,
            environment,
        }
    }

    // ------------------------------------------------------------ what comes

    pub(crate) async fn receive(&self, event: &Event) -> Verdict {
        self.kit.receive(&[event]).await.remove(0)
    }

    pub(crate) fn order_created(&self, order: &str) -> Event {
        let payload = OrderCreated {
            customer_id: "cus_7".to_owned(),
            total: Money::new(2_500, Currency::new("EUR").unwrap()),
        };
        let order = Aggregate::new("Order", order).unwrap();
        Event::new(order, payload, &self.environment).into_raw().unwrap()
    }

    /// An order's saga, begun.
    pub(crate) async fn begin(&self, order: &str) {
        assert_eq!(self.receive(&self.order_created(order)).await, Verdict::Done);
    }

    /// What a person asks of an order's saga.
    pub(crate) async fn ask<P: Payload>(&self, order: &str, request: P) -> Verdict {
        let event = Event::new(saga(order), request, &self.environment);
        let mut metadata = event.metadata().clone();
        metadata.user_id = Some("ada".to_owned());
        self.receive(&event.with_metadata(metadata).into_raw().unwrap()).await
    }

    /// An event that a command causes.
    pub(crate) fn caused_by<P: Payload>(&self, command: &Event, payload: P) -> Event {
        let participant = Aggregate::new("Participant", "p_1").unwrap();
        let event = Event::caused_by(command, participant, payload, &self.environment);
        event.into_raw().unwrap()
    }

    /// The newest command of an order's saga is answered so.
    pub(crate) async fn answer<P: Payload>(&self, order: &str, payload: P) -> Verdict {
        let command = self.commands(order).await.pop().unwrap();
        self.receive(&self.caused_by(&command, payload)).await
    }

    /// Every participant says yes to whatever it is asked, until nothing more is asked.
    pub(crate) async fn all_agree(&self, order: &str) {
        let mut answered = 0;
        loop {
            let commands = self.commands(order).await;
            let Some(command) = commands.get(answered) else {
                return;
            };
            answered += 1;
            if let Some(yes) = self.yes_to(command, order) {
                self.receive(&yes).await;
            }
        }
    }

    pub(crate) fn yes_to(&self, command: &Event, order: &str) -> Option<Event> {
        let order_id = order.to_owned();
        Some(match command.event_type() {
            ReserveInventory::EVENT_TYPE => self.caused_by(command, InventoryReserved { order_id }),
            ReleaseInventory::EVENT_TYPE => self.caused_by(command, InventoryReleased { order_id }),
            TakePayment::EVENT_TYPE => {
                let payment_id = "pay_1".to_owned();
                self.caused_by(command, PaymentTaken { order_id, payment_id })
            }
            VoidPayment::EVENT_TYPE => self.caused_by(command, PaymentVoided { order_id }),
            ConfirmOrder::EVENT_TYPE => self.caused_by(command, OrderConfirmed { order_id }),
            _ => return None,
        })
    }

    // ------------------------------------------------------------ what is there

    pub(crate) fn row(&self, order: &str) -> SagaRow {
        let item = self.database.row(SAGAS, &[&saga(order).to_string()]).unwrap();
        SagaRow::from_item(&item).unwrap()
    }

    pub(crate) fn status(&self, order: &str) -> Status {
        self.row(order).status()
    }

    /// The commands of an order's saga that left, in their order.
    pub(crate) async fn commands(&self, order: &str) -> Vec<Event> {
        let mut commands = self.stream(order).await;
        commands.retain(|event| event.event_type() != SagaEcho::EVENT_TYPE);
        commands
    }

    /// What an order's saga sent to itself, to see whether it comes back.
    pub(crate) async fn echoes(&self, order: &str) -> Vec<Event> {
        let mut echoes = self.stream(order).await;
        echoes.retain(|event| event.event_type() == SagaEcho::EVENT_TYPE);
        echoes
    }

    async fn stream(&self, order: &str) -> Vec<Event> {
        let query = Table::new(EVENTS).query("stream", saga(order).to_string());
        let page = self.database.query(&query).await.unwrap();
        assert_eq!(page.next, None);
        page.rows.iter().map(|row| EventLog::event_in(row).unwrap()).collect()
    }

    pub(crate) async fn command_types(&self, order: &str) -> Vec<String> {
        let commands = self.commands(order).await;
        commands.iter().map(|command| command.event_type().to_owned()).collect()
    }

    pub(crate) fn happened(&self, order: &str) -> Vec<What> {
        self.row(order).timeline().iter().map(|entry| entry.what).collect()
    }

    pub(crate) fn last_entry(&self, order: &str) -> JournalEntry {
        self.row(order).timeline().last().unwrap().clone()
    }

    // ------------------------------------------------------------ time

    pub(crate) fn sweeper(&self) -> Sweeper {
        let rows: Arc<dyn TableReader> = self.database.clone();
        Sweeper::new(Table::new(SAGAS), "by-deadline", rows, self.environment.clone())
    }

    /// What a sweeper finds due now.
    pub(crate) async fn due(&self) -> Vec<Event> {
        let found = Found::default();
        self.sweeper().sweep(&found).await.unwrap();
        let events = std::mem::take(&mut *found.0.lock().unwrap());
        events.into_iter().map(|event| event.into_raw().unwrap()).collect()
    }

    /// Time passes, and a sweeper finds what is due. Echoes come back at once.
    pub(crate) async fn after(&self, seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
        let due = self.due().await;
        for event in &due {
            assert_eq!(self.receive(event).await, Verdict::Done);
        }
        for event in &due {
            for echo in self.echoes(event.aggregate().id()).await {
                self.receive(&echo).await;
            }
        }
    }
}

pub(crate) fn saga(order: &str) -> Aggregate {
    Aggregate::new("OrderSaga", order).unwrap()
}

/// Keeps what a sweeper says.
#[derive(Default)]
pub(crate) struct Found(pub(crate) Mutex<Vec<Event<SagaDeadlineReached>>>);

#[async_trait]
impl DeadlineSender for Found {
    async fn wake(&self, due: &[Event<SagaDeadlineReached>]) -> Vec<Result<(), DeadlineSenderError>> {
        self.0.lock().unwrap().extend(due.iter().cloned());
        due.iter().map(|_| Ok(())).collect()
    }
}

/// A queue that takes nothing.
pub(crate) struct Down;

#[async_trait]
impl DeadlineSender for Down {
    async fn wake(&self, due: &[Event<SagaDeadlineReached>]) -> Vec<Result<(), DeadlineSenderError>> {
        due.iter().map(|_| Err("the queue is out of reach".into())).collect()
    }
}
