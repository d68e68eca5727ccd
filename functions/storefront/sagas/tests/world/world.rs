use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use onecommit_engine::{Consumer, DatabaseError, EventLog, Key, Table, TableReader, TransientKind, Value, Verdict};
use onecommit_environment::{Environment, SeededRandom, Timestamp, Tracer};
use onecommit_event::{Aggregate, Event, EventId, Payload};
use onecommit_event_store::EventStore;
use onecommit_saga::{
    DeadlineSender, DeadlineSenderError, Orchestrator, SagaCancelRequested, SagaDeadlineReached, SagaError,
    SagaRetryRequested, SagaRow, Status, Sweeper,
};
use onecommit_testing::{MemoryDatabase, TestConsumer, VirtualClock};
use serde_json::json;
use storefront_sagas::{Deadlines, ORDER_SAGA, order_saga};

use crate::network::{Letter, Network};
use crate::storefront::Storefront;

pub(crate) const EVENTS: &str = "events";
pub(crate) const SAGAS: &str = "sagas";

/// A context, or the orchestrator, as a process of its own.
struct Process {
    kit: TestConsumer,
    wants: Vec<&'static str>,
}

pub(crate) struct World {
    pub(crate) database: Arc<MemoryDatabase>,
    pub(crate) environment: Environment,
    pub(crate) network: Network,
    pub(crate) shop: Storefront,
    pub(crate) store: EventStore,
    processes: Vec<Process>,
    published: HashSet<EventId>,
    pub(crate) products: Vec<&'static str>,
    /// The orders that were placed.
    pub(crate) placed: Vec<String>,
    /// What was parked: reason and words.
    pub(crate) parked: Vec<String>,
}

const ORCHESTRATOR: usize = 0;

impl World {
    pub(crate) async fn new(network: Network, seed: u64) -> Self {
        Self::traced(network, seed, None).await
    }

    pub(crate) async fn traced(network: Network, seed: u64, tracer: Option<Arc<dyn Tracer>>) -> Self {
        let database = Arc::new(MemoryDatabase::default());
        let clock = VirtualClock::showing(Timestamp::parse("2026-11-22T07:00:00Z").unwrap());
        let environment = Environment::new(Arc::new(clock), Arc::new(SeededRandom::new(seed)));
        let environment = match tracer {
            Some(tracer) => environment.with_tracer(tracer),
            None => environment,
        };
        let log = || EventLog::new(Table::new(EVENTS));
        let store = || EventStore::new(database.clone(), log(), environment.clone());
        let rows: Arc<dyn TableReader> = database.clone();

        let definition = order_saga(&Deadlines::default()).unwrap();
        let orchestrator = Orchestrator::new([definition], Table::new(SAGAS), rows.clone(), environment.clone());
        let mut shop = Storefront::new(&database, &environment);
        let process = |consumer: Consumer| Process {
            wants: consumer.event_types(),
            kit: TestConsumer::on(database.clone(), consumer, environment.clone()).with_event_log(log()),
        };
        let orchestrator = orchestrator.unwrap().consumer("orchestrator");
        let processes = std::iter::once(orchestrator)
            .chain(shop.take_consumers())
            .map(process)
            .collect();
        shop.open().await;
        Self {
            store: store(),
            database,
            environment,
            network,
            shop,
            processes,
            published: HashSet::new(),
            products: Vec::new(),
            placed: Vec::new(),
            parked: Vec::new(),
        }
    }

    // ------------------------------------------------------------ what customers and operators do

    pub(crate) async fn sell(&mut self, sku: &'static str, count: i64, price: i64) {
        self.shop.sell(sku, count, price).await;
        self.products.push(sku);
    }

    /// A customer places an order through the API.
    pub(crate) async fn place(&mut self, order: &str, customer: &str, items: &[(&str, u32, i64)]) {
        let line = |(sku, quantity, price): &(&str, u32, i64)| json!({"sku": sku, "quantity": quantity, "unitPriceMinor": price});
        let items: Vec<_> = items.iter().map(line).collect();
        let body = json!({
            "orderId": order, "customerId": customer, "items": items, "currency": "EUR", "paymentMethod": "card",
        });
        let (status, answer) = self.shop.ask("POST", "/orders", body).await;
        assert_eq!(status, 202, "{answer}");
        self.placed.push(order.to_owned());
    }

    /// A customer wants an order cancelled; gives the status of the API's answer.
    pub(crate) async fn cancel(&self, order: &str) -> u16 {
        let path = format!("/orders/{order}/cancellation");
        let reason = json!({"reason": "changed my mind"});
        self.shop.ask("POST", &path, reason).await.0
    }

    /// An operator asks something of an order's saga.
    pub(crate) fn ask<P: Payload>(&mut self, order: &str, request: P) {
        let event = Event::new(saga_of(order), request, &self.environment);
        let letter = Letter {
            to: ORCHESTRATOR,
            event: event.into_raw().unwrap(),
        };
        self.network.put_back(vec![letter]);
    }

    pub(crate) fn operator_cancels(&mut self, order: &str) {
        let reason = "fraud".to_owned();
        self.ask(order, SagaCancelRequested { reason });
    }

    // ------------------------------------------------------------ how time goes by

    /// The relay: what was appended leaves, to everybody who wants it.
    pub(crate) async fn publish(&mut self) {
        if self.database.count(EVENTS) == self.published.len() {
            return;
        }
        let mut next = Some(Table::new(EVENTS).scan());
        while let Some(scan) = next {
            let page = self.database.scan(&scan).await.unwrap();
            next = page.next;
            for row in &page.rows {
                let id: EventId = row.get("eventId").and_then(Value::as_str).unwrap().parse().unwrap();
                if self.published.insert(id) {
                    self.send(&EventLog::event_in(row).unwrap());
                }
            }
        }
    }

    fn send(&mut self, event: &Event) {
        for (to, process) in self.processes.iter().enumerate() {
            if process.wants.contains(&event.event_type()) {
                let is_answer = to == ORCHESTRATOR && !event.event_type().ends_with("Requested");
                let event = event.clone();
                self.network.send(Letter { to, event }, is_answer);
            }
        }
    }

    /// The next messages arrive. False when there are none.
    pub(crate) async fn step(&mut self) -> bool {
        let Some(batch) = self.network.next_batch() else {
            return false;
        };
        if self.network.commits_in_the_dark() {
            let lost = DatabaseError::Transient(TransientKind::Unavailable, "no answer".into());
            self.database.lose_next_answer(lost);
        }
        let events: Vec<&Event> = batch.iter().map(|letter| &letter.event).collect();
        let verdicts = self.processes[batch[0].to].kit.receive(&events).await;
        for (verdict, letter) in verdicts.into_iter().zip(batch) {
            match verdict {
                Verdict::Done | Verdict::Duplicate => {}
                Verdict::Retry { .. } => self.network.comes_back(letter),
                // A delivery whose end nobody saw is parked for a person, not made again.
                Verdict::Park { .. } if letter.event.event_type() == "NotificationDeliveryDue" => {}
                other => self.parked.push(format!("{}: {other:?}", letter.event.event_type())),
            }
        }
        // The fault that the process did not run into is gone.
        let nobody = Key::new("sagaId", "nobody");
        let _ = self.database.get(&Table::new(SAGAS), &nobody).await;
        self.publish().await;
        self.stock_is_always_right().await;
        true
    }

    /// Everything that is on its way arrives, and what follows from it.
    pub(crate) async fn deliver_all(&mut self) {
        self.publish().await;
        while self.step().await {}
    }

    /// Time passes; the sweeper wakes what is due; a person retries what is stuck.
    pub(crate) async fn pass(&mut self, seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
        let found = Found::default();
        let sweeper = self.sweeper();
        sweeper.sweep(&found).await.unwrap();
        let due = std::mem::take(&mut *found.0.lock().unwrap());
        for event in due {
            let event = event.into_raw().unwrap();
            self.network.send(
                Letter {
                    to: ORCHESTRATOR,
                    event,
                },
                false,
            );
        }
        for stuck in sweeper.needing_attention(10).await.unwrap() {
            let reason = "the other side is back".to_owned();
            self.ask(stuck.saga.id(), SagaRetryRequested { step: None, reason });
        }
    }

    /// Until every saga has ended and nothing is on its way any more.
    pub(crate) async fn run_to_the_end(&mut self) {
        for _ in 0..500 {
            self.deliver_all().await;
            let have_ended = self.have_all_ended();
            if have_ended && self.network.is_empty() {
                return;
            }
            self.network.wait(have_ended);
            self.pass(20).await;
        }
        let statuses: Vec<_> = self.placed.iter().map(|order| (order, self.status(order))).collect();
        panic!("not at its end after 10,000 s: {statuses:?}");
    }

    fn sweeper(&self) -> Sweeper {
        let rows: Arc<dyn TableReader> = self.database.clone();
        Sweeper::new(Table::new(SAGAS), "by-deadline", rows, self.environment.clone())
    }

    // ------------------------------------------------------------ what is there

    pub(crate) fn have_all_ended(&self) -> bool {
        let has_ended = |order: &String| self.status(order).is_some_and(Status::is_end);
        self.placed.iter().all(has_ended)
    }

    pub(crate) fn status(&self, order: &str) -> Option<Status> {
        self.saga(order).map(|saga| saga.status())
    }

    pub(crate) fn saga(&self, order: &str) -> Option<SagaRow> {
        let item = self.database.row(SAGAS, &[&saga_of(order).to_string()]);
        match SagaRow::from_item(&item?) {
            Ok(row) => Some(row),
            // Its cancellation is there, and waits for it.
            Err(SagaError::NotStarted { .. }) => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// The types of the events of one stream.
    pub(crate) async fn history(&self, kind: &str, id: &str) -> Vec<String> {
        let stream = Aggregate::new(kind, id).unwrap();
        let events = self.store.read(&stream, 1).all().await.unwrap();
        events.iter().map(|event| event.event_type().to_owned()).collect()
    }
}

fn saga_of(order: &str) -> Aggregate {
    Aggregate::new(ORDER_SAGA, order).unwrap()
}

/// Keeps what a sweeper says.
#[derive(Default)]
struct Found(Mutex<Vec<Event<SagaDeadlineReached>>>);

#[async_trait]
impl DeadlineSender for Found {
    async fn wake(&self, due: &[Event<SagaDeadlineReached>]) -> Vec<Result<(), DeadlineSenderError>> {
        self.0.lock().unwrap().extend(due.iter().cloned());
        due.iter().map(|_| Ok(())).collect()
    }
}
