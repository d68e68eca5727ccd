//! What tests of sagas need: a saga of two steps, the orchestrator that runs it on tables in memory, and a queue that hands
//! over at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use onecommit_engine::{EventLog, Query, QueueError, Table, TableReader, Verdict};
use onecommit_environment::Environment;
use onecommit_event::{Aggregate, Event, Payload};
use onecommit_saga::{Answers, Command, Orchestrator, Saga, SagaRow, Start, Starts, Sweeper, step};
use onecommit_testing::{MemoryDatabase, TestConsumer};
use serde::{Deserialize, Serialize};

use super::Sagas;
use crate::orchestrator_queue::OrchestratorQueue;

pub(crate) const BOOK: &str = "book a seat";
pub(crate) const SAGAS: &str = "sagas";
const EVENTS: &str = "events";

#[derive(Serialize, Deserialize)]
struct Trip {
    id: String,
}

macro_rules! events {
    ($($name:ident)*) => {$(
        #[derive(Serialize, Deserialize)]
        struct $name {
            id: String,
        }

        impl Payload for $name {
            const EVENT_TYPE: &'static str = stringify!($name);
        }

        impl From<&Trip> for $name {
            fn from(trip: &Trip) -> Self {
                let id = trip.id.clone();
                Self { id }
            }
        }

        impl Answers<Trip> for $name {
            fn saga_id(event: &Event<Self>) -> String {
                event.payload().id.clone()
            }
        }
    )*};
}

events! {
    TripRequested
    BookSeat SeatBooked FreeSeat SeatFreed SeatNotFreed
    ChargeCard CardCharged CardDeclined RefundCard CardRefunded
}

impl Starts<Trip> for TripRequested {
    fn start(event: &Event<Self>) -> Option<Start<Trip>> {
        let id = event.payload().id.clone();
        Some(Start {
            saga_id: id.clone(),
            data: Trip { id },
        })
    }
}

pub(crate) fn trip(id: &str) -> Aggregate {
    Aggregate::new("TripSaga", id).unwrap()
}

pub(crate) struct Trips {
    orchestrator: TestConsumer,
    tables: Arc<MemoryDatabase>,
    environment: Environment,
    told: AtomicUsize,
    is_down: bool,
}

impl Trips {
    /// TripSaga#1 waits for the answer to its first command.
    pub(crate) async fn with_one_that_has_begun() -> Self {
        let book = Command::of(|trip: &Trip| BookSeat::from(trip)).answered_by::<SeatBooked>();
        let free = Command::of(|trip: &Trip| FreeSeat::from(trip)).answered_by::<SeatFreed>();
        let charge = Command::of(|trip: &Trip| ChargeCard::from(trip)).answered_by::<CardCharged>();
        let refund = Command::of(|trip: &Trip| RefundCard::from(trip)).answered_by::<CardRefunded>();
        let definition = Saga::named("TripSaga", 1)
            .started_by::<Trip, TripRequested>()
            .compensatable(step(BOOK, book).compensated_by(free.refused_by::<SeatNotFreed>().attempts(1)))
            .pivot(step("charge the card", charge.refused_by::<CardDeclined>().attempts(1)).undone_by(refund))
            .build()
            .unwrap();
        let environment = Environment::system();
        let tables = Arc::new(MemoryDatabase::default());
        let orchestrator = Orchestrator::new([definition], Table::new(SAGAS), tables.clone(), environment.clone());
        let consumer = orchestrator.unwrap().consumer("orchestrator");
        let orchestrator = TestConsumer::on(tables.clone(), consumer, environment.clone());
        let trips = Self {
            orchestrator: orchestrator.with_event_log(EventLog::new(Table::new(EVENTS))),
            tables,
            environment,
            told: AtomicUsize::new(0),
            is_down: false,
        };
        let traveller = Aggregate::new("Traveller", "1").unwrap();
        let requested = TripRequested { id: "1".to_owned() };
        let requested = Event::new(traveller, requested, &trips.environment);
        trips.receive(&requested.into_raw().unwrap()).await;
        trips
    }

    /// TripSaga#1 cannot free the seat that it booked before the card was declined.
    pub(crate) async fn with_one_that_is_stuck() -> Self {
        let trips = Self::with_one_that_has_begun().await;
        trips.answer(|id| SeatBooked { id }).await;
        trips.answer(|id| CardDeclined { id }).await;
        trips.answer(|id| SeatNotFreed { id }).await;
        trips
    }

    pub(crate) fn whose_queue_is_down(mut self) -> Self {
        self.is_down = true;
        self
    }

    pub(crate) fn sagas(&self) -> Sagas {
        Sagas::new(Table::new(SAGAS), self.tables.clone())
    }

    pub(crate) fn sweeper(&self) -> Sweeper {
        Sweeper::new(
            Table::new(SAGAS),
            "deadlines",
            self.tables.clone(),
            self.environment.clone(),
        )
    }

    /// The tables, for what writes to them without the orchestrator.
    pub(crate) fn tables(&self) -> &MemoryDatabase {
        &self.tables
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }

    pub(crate) async fn row(&self) -> SagaRow {
        self.sagas().row(&trip("1")).await.unwrap()
    }

    /// How many requests the orchestrator was told of.
    pub(crate) fn told(&self) -> usize {
        self.told.load(Ordering::Relaxed)
    }

    async fn answer<P: Payload>(&self, answer: impl FnOnce(String) -> P) {
        let query: Query = Table::new(EVENTS).query("stream", trip("1").to_string());
        let page = self.tables.query(&query).await.unwrap();
        let command = EventLog::event_in(page.rows.last().unwrap()).unwrap();
        let participant = Aggregate::new("Participant", "1").unwrap();
        let answer = Event::caused_by(&command, participant, answer("1".to_owned()), &self.environment);
        self.receive(&answer.into_raw().unwrap()).await;
    }

    async fn receive(&self, event: &Event) {
        assert_eq!(self.orchestrator.receive(&[event]).await, [Verdict::Done]);
    }
}

#[async_trait]
impl OrchestratorQueue for Trips {
    async fn tell(&self, request: &Event) -> Result<(), QueueError> {
        if self.is_down {
            return Err(QueueError::Transient("out of reach".into()));
        }
        self.told.fetch_add(1, Ordering::Relaxed);
        self.receive(request).await;
        Ok(())
    }
}
