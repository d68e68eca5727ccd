//! Sagas: a trip is wholly booked or wholly taken back, whatever happens to the orchestrator, the services and the way
//! between them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use onecommit_engine::{Atomic, Commit, Consumer, EventLog, Failure, Key, Settings, Table, TableReader, Value};
use onecommit_environment::Timestamp;
use onecommit_event::{Aggregate, Event, NewEvent, Payload};
use onecommit_event_store::{EventStore, StoreError};
use onecommit_saga::{
    Answers, Call, Called, Command, DeadlineSender, DeadlineSenderError, Definition, DefinitionError, Orchestrator,
    Saga, SagaCancelRequested, SagaDeadlineReached, SagaRetryRequested, SagaRow, Start, Starts, Status, Sweeper, What,
    step,
};
use onecommit_simulation::{Fault, Host, Outside, Process, QueueSettings, Scenario, TopicKind, World};
use serde::{Deserialize, Serialize};

use super::copies::{events_of, nothing_lost, store_of};
use super::outbox::{all_have_left, relay_everything};
use super::payloads::payloads;

payloads! {
    TripRequested { trip: String }
    BookRoom { trip: String }
    RoomBooked { trip: String }
    FreeRoom { trip: String }
    RoomFreed { trip: String }
    RoomKept { trip: String }
    BookSeat { trip: String }
    SeatBooked { trip: String }
    FreeSeat { trip: String }
    SeatFreed { trip: String }
    ChargeCard { trip: String }
    CardCharged { trip: String }
    CardDeclined { trip: String }
    RefundCard { trip: String }
    CardRefunded { trip: String }
}

/// How a trip goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trip {
    /// Every service does what it is asked.
    Smooth,
    /// The same, and the saga waits for its services without end.
    Patient,
    /// The card is declined.
    Declined,
    /// The traveller cancels at some time.
    Cancelled,
    /// The hotel takes longer than the saga waits, and gives a room back only when it is asked twice.
    Tardy,
}

/// What the saga knows.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Booking {
    trip: String,
}

impl Starts<Booking> for TripRequested {
    fn start(event: &Event<Self>) -> Option<Start<Booking>> {
        let trip = event.payload().trip.clone();
        Some(Start {
            saga_id: trip.clone(),
            data: Booking { trip },
        })
    }
}

macro_rules! answers {
    ($($name:ident)*) => {$(
        impl Answers<Booking> for $name {
            fn saga_id(event: &Event<Self>) -> String {
                event.payload().trip.clone()
            }
        }
    )*};
}
answers! { RoomBooked RoomFreed RoomKept SeatBooked SeatFreed CardCharged CardDeclined CardRefunded }

macro_rules! command {
    ($name:ident) => {
        Command::of(|booking: &Booking| $name {
            trip: booking.trip.clone(),
        })
    };
}

/// How long the hotel takes on a tardy trip: until it was asked to free the room that it has not booked yet, so that both
/// answers leave at about the same time; or so long, if it is not asked.
const TARDY: Duration = Duration::from_secs(55);
const INVOCATION: Duration = Duration::from_secs(90);
const UNTIL_NEXT_LOOK: Duration = Duration::from_secs(1);

impl Trip {
    /// How long the hotel may take. The hotel of a tardy trip takes longer: than this, until the sweeper has seen so, and
    /// as long again after the echo.
    fn within(self) -> Duration {
        Duration::from_secs(if self == Self::Tardy { 15 } else { 40 })
    }

    fn definition(self, printer: Outside) -> Result<Definition, DefinitionError> {
        let book = command!(BookRoom).answered_by::<RoomBooked>().within(self.within());
        let book = match self {
            Self::Tardy => book.attempts(1),
            Self::Patient => book.until_answered(),
            _ => book,
        };
        let free = command!(FreeRoom).answered_by::<RoomFreed>().refused_by::<RoomKept>();
        let room = step("book a room", book).compensated_by(free);
        let charge = command!(ChargeCard)
            .answered_by::<CardCharged>()
            .refused_by::<CardDeclined>();
        let charge = if self == Self::Patient {
            charge.until_answered()
        } else {
            charge
        };
        let charge = step("charge the card", charge).undone_by(command!(RefundCard).answered_by::<CardRefunded>());
        let ticket = Call::to("print the ticket", move |booking: Booking, key| {
            let printer = printer.clone();
            async move {
                let printed = printer.call_once(format!("ticket {}", booking.trip), &key).await;
                printed.map_err(Failure::unavailable)?;
                Ok(Called::Succeeded(booking))
            }
        });
        let saga = Saga::named(SAGA, 1)
            .started_by::<Booking, TripRequested>()
            .compensatable(room);
        let saga = if self == Self::Declined {
            let book = command!(BookSeat).answered_by::<SeatBooked>();
            saga.compensatable(step("book a seat", book).compensated_by(command!(FreeSeat).answered_by::<SeatFreed>()))
        } else {
            saga
        };
        saga.pivot(charge).retriable(step("print the ticket", ticket)).build()
    }

    /// How it ends in a calm world.
    fn calm_end(self) -> Option<Status> {
        match self {
            Self::Smooth | Self::Patient => Some(Status::Completed),
            Self::Declined => Some(Status::Compensated),
            Self::Cancelled | Self::Tardy => None,
        }
    }
}

/// How long the printer is waited for when it does not answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);
const SAGA: &str = "TripSaga";
pub(crate) const TRIP: &str = "t-1";
pub(crate) const STREAM: &str = "TripSaga#t-1";
pub(crate) const SAGAS: &str = "sagas";
pub(crate) const TOPIC: &str = "events";
pub(crate) const WAKES: &str = "wakes";
/// The state of a room that the hotel has been asked for once.
const KEPT: &str = "kept";
pub(crate) const ORCHESTRATOR: &str = "orchestrator";
pub(crate) const SERVICES: &str = "services";
const ANSWERS: &[&str] = &[
    "RoomBooked",
    "RoomFreed",
    "RoomKept",
    "SeatBooked",
    "SeatFreed",
    "CardCharged",
    "CardDeclined",
    "CardRefunded",
    "SagaCallDue",
    "SagaEcho",
];

/// The hotel, the airline and the bank: each does what it is asked, keeps it in a row, and answers.
struct Services {
    store: Arc<EventStore>,
    process: Process,
    trip: Trip,
}

impl Services {
    async fn does<C, A: Payload>(
        &self,
        command: &Event<C>,
        what: &str,
        state: &str,
        answer: A,
    ) -> Result<Commit, Failure> {
        let stream = Aggregate::new(what, command.aggregate().id()).map_err(Failure::Invalid)?;
        let version = match self.store.version(&stream).await {
            Ok(version) => version,
            Err(StoreError::Database(error)) => return Err(Failure::transient(error)),
            Err(error) => return Err(Failure::reject(error.to_string())),
        };
        let row = Table::new("services").update(Key::new("pk", what));
        let answer = NewEvent::of(&answer).map_err(Failure::Invalid)?;
        Ok(Commit::of(row.set("state", state)).append(stream, version, [answer]))
    }
}

struct Serve<C>(Arc<Services>, std::marker::PhantomData<fn() -> C>);

macro_rules! serves {
    ($($command:ident: $what:literal $state:literal $answer:ident)*) => {
        $(impl Atomic<$command> for Serve<$command> {
            async fn handle(&self, event: Event<$command>) -> Result<Commit, Failure> {
                let trip = event.payload().trip.clone();
                self.0.before($command::EVENT_TYPE).await;
                if $command::EVENT_TYPE == "ChargeCard" && self.0.trip == Trip::Declined {
                    return self.0.does(&event, $what, "declined", CardDeclined { trip }).await;
                }
                if $command::EVENT_TYPE == "FreeRoom" && self.0.keeps_the_room().await? {
                    return self.0.does(&event, $what, KEPT, RoomKept { trip }).await;
                }
                self.0.does(&event, $what, $state, $answer { trip }).await
            }
        })*

        fn services(process: &Process, log: EventLog, trip: Trip) -> Consumer {
            let services = Arc::new(Services {
                store: Arc::new(store_of(process, log)),
                process: process.clone(),
                trip,
            });
            let consumer = Consumer::named("services");
            $(let consumer = consumer.atomic(Serve::<$command>(Arc::clone(&services), std::marker::PhantomData));)*
            consumer
        }

        const COMMANDS: &[&str] = &[$($command::EVENT_TYPE),*];
    };
}

serves! {
    BookRoom: "Hotel" "booked" RoomBooked
    FreeRoom: "Hotel" "free" RoomFreed
    BookSeat: "Airline" "booked" SeatBooked
    FreeSeat: "Airline" "free" SeatFreed
    ChargeCard: "Bank" "charged" CardCharged
    RefundCard: "Bank" "refunded" CardRefunded
}

impl Services {
    async fn before(&self, command: &str) {
        if self.trip == Trip::Tardy && command == "BookRoom" {
            let environment = self.process.environment();
            let started = environment.clock().instant();
            let waited = || environment.clock().instant().saturating_duration_since(started);
            while waited() < TARDY && !matches!(self.hotel().await, Ok(Some(_))) {
                environment.clock().sleep(UNTIL_NEXT_LOOK).await;
            }
        }
    }

    async fn hotel(&self) -> Result<Option<String>, Failure> {
        let (table, key) = (Table::new("services"), Key::new("pk", "Hotel"));
        let row = self.process.tables().get(&table, &key).await;
        let row = row.map_err(Failure::transient)?;
        let state = row.as_ref().and_then(|row| row.get("state")).and_then(Value::as_str);
        Ok(state.map(str::to_owned))
    }

    /// Whether the hotel does not give a room back yet.
    async fn keeps_the_room(&self) -> Result<bool, Failure> {
        if self.trip != Trip::Tardy {
            return Ok(false);
        }
        Ok(self.hotel().await?.as_deref() == Some("booked"))
    }
}

/// Sends what is due to the orchestrator's queue.
struct Wakes(Process);

#[async_trait]
impl DeadlineSender for Wakes {
    async fn wake(&self, due: &[Event<SagaDeadlineReached>]) -> Vec<Result<(), DeadlineSenderError>> {
        let mut results = Vec::with_capacity(due.len());
        for event in due {
            results.push(match event.clone().into_raw() {
                Ok(event) => self.0.publish(WAKES, event).await,
                Err(error) => Err(error.into()),
            });
        }
        results
    }
}

fn sweeper_of(process: &Process) -> Sweeper {
    let rows: Arc<dyn TableReader> = process.tables();
    Sweeper::new(Table::new(SAGAS), "by-deadline", rows, process.environment())
}

/// Wakes what is due. Nobody looks after what needs attention.
pub(crate) async fn wake_due(process: Process) {
    // What it did not find, or could not send, the next one does.
    let _ = sweeper_of(&process).sweep(&Wakes(process.clone())).await;
}

/// Wakes what is due, and asks once more for what needs attention.
pub(crate) async fn sweep(process: Process) {
    wake_due(process.clone()).await;
    let sweeper = sweeper_of(&process);
    // A person looks after what needs attention.
    let Ok(stuck) = sweeper.needing_attention(5).await else {
        return;
    };
    for saga in stuck {
        let reason = "all is well again".to_owned();
        let retry = Event::new(
            saga.saga,
            SagaRetryRequested { step: None, reason },
            &process.environment(),
        );
        if let Ok(retry) = retry.into_raw() {
            let _ = process.publish(WAKES, retry).await;
        }
    }
}

/// Cancels the trip once, as soon as its saga is there.
async fn traveller(process: Process) {
    let Ok(saga) = Aggregate::new(SAGA, TRIP) else { return };
    loop {
        let found = process.tables().get(&Table::new(SAGAS), &SagaRow::key(&saga)).await;
        if found.is_ok_and(|row| row.is_some()) {
            break;
        }
        process.environment().clock().sleep(Duration::from_secs(1)).await;
    }
    let reason = "changed my mind".to_owned();
    let cancel = Event::new(saga, SagaCancelRequested { reason }, &process.environment());
    let Ok(cancel) = cancel.into_raw() else { return };
    while process.publish(WAKES, cancel.clone()).await.is_err() {
        process.environment().clock().sleep(Duration::from_secs(1)).await;
    }
}

fn saga_row(world: &World) -> Option<SagaRow> {
    saga_row_of(world, STREAM)
}

/// The saga of this stream, if there is one.
pub(crate) fn saga_row_of(world: &World, stream: &str) -> Option<SagaRow> {
    let row = world.row(SAGAS, &[stream])?;
    SagaRow::from_item(&row).ok()
}

impl Trip {
    /// The orchestrator and the services, with their queues, and the topic that they share.
    pub(crate) fn employ(self, world: &mut World, queue: QueueSettings, settings: &Settings) {
        for name in [ORCHESTRATOR, SERVICES] {
            world.queue(name, queue);
        }
        world.topic(TOPIC, TopicKind::EventBridge);
        world.topic(WAKES, TopicKind::Sns);
        world.subscribe(WAKES, ORCHESTRATOR, &[]);
        world.subscribe(TOPIC, SERVICES, COMMANDS);
        world.subscribe(TOPIC, ORCHESTRATOR, ANSWERS);
        let instances = if self == Self::Tardy { 2 } else { 1 };
        let host = Host {
            instances,
            batch: 2,
            ..Host::default()
        };
        let of_sagas = settings.clone();
        world.consumer("orchestrator", ORCHESTRATOR, host, move |process| {
            let rows: Arc<dyn TableReader> = process.tables();
            let definition = self.definition(process.outside("printer").within(ANSWERS_WITHIN));
            let orchestrator = definition
                .and_then(|definition| Orchestrator::new([definition], Table::new(SAGAS), rows, process.environment()));
            match orchestrator {
                Ok(orchestrator) => orchestrator.consumer("orchestrator").with(of_sagas.clone()),
                // Then no saga ever begins, and the scenario is never settled.
                Err(_) => Consumer::named("orchestrator"),
            }
        });
        let host = Host {
            instances,
            batch: 1,
            // Of what is left of it a handler gets three quarters, and the hotel of a tardy trip takes 55 s.
            invocation: Some(INVOCATION),
        };
        let (log, of_services) = (world.event_log(), settings.clone());
        world.consumer("services", SERVICES, host, move |process| {
            services(process, log.clone(), self).with(of_services.clone())
        });
    }
}

fn state(world: &World, what: &str) -> String {
    let row = world.row("services", &[what]);
    let state = row.as_ref().and_then(|row| row.get("state")).and_then(Value::as_str);
    state.unwrap_or("nothing").to_owned()
}

impl Scenario for Trip {
    fn name(&self) -> &str {
        match self {
            Self::Smooth => "a saga of three steps",
            Self::Patient => "a saga of three steps that waits for each answer",
            Self::Declined => "a saga that is taken back",
            Self::Cancelled => "a saga that is cancelled",
            Self::Tardy => "a saga whose first step is late",
        }
    }

    fn set_up(&self, world: &mut World) {
        world.mark_pending();
        let mut queue = QueueSettings::default();
        if *self == Self::Tardy {
            // Longer than an invocation, so that the room is not booked twice at a time and somebody is there to free it.
            queue.visibility = INVOCATION;
        }
        self.employ(world, queue, &Settings::default());
        relay_everything(world, TOPIC);
        let period = if *self == Self::Tardy { 10 } else { 30 };
        world.every("sweeper", Duration::from_secs(period), sweep);
        if *self == Self::Cancelled {
            world.process("traveller", traveller);
        }
        let requested = world.event("Trip", TRIP, TripRequested { trip: TRIP.to_owned() });
        world.send(ORCHESTRATOR, &requested);
    }

    fn is_settled(&self, world: &World) -> bool {
        saga_row(world).is_some_and(|row| row.status().is_end()) && all_have_left(world)
    }

    fn judge(&self, world: &World) -> Result<(), String> {
        let row = saga_row(world).ok_or("there is no saga")?;
        let states = ["Hotel", "Airline", "Bank"].map(|what| state(world, what));
        let found = format!("{} with hotel, airline and bank: {}", row.status(), states.join(", "));
        let tickets = world.done_outside("printer").len();
        let [hotel, airline, bank] = states.each_ref().map(String::as_str);
        let is_whole = match row.status() {
            Status::Completed => hotel == "booked" && bank == "charged" && tickets == 1,
            Status::Compensated => {
                !["booked", KEPT].contains(&hotel) && airline != "booked" && bank != "charged" && tickets == 0
            }
            _ => false,
        };
        if !is_whole {
            return Err(format!("{found}, {tickets} tickets"));
        }
        if self.calm_end().is_some_and(|end| end != row.status()) && !was_given_up(&row) {
            return Err(format!("{found}, though no step was given up"));
        }
        nobody_was_hurried(world, &row, self.within())?;
        undone_in_reverse(world)?;
        nothing_lost(world, ORCHESTRATOR)?;
        nothing_lost(world, SERVICES)
    }
}

fn was_given_up(row: &SagaRow) -> bool {
    row.timeline().iter().any(|entry| entry.what == What::GivenUp)
}

/// No answer is waited for less long than was promised.
fn nobody_was_hurried(world: &World, row: &SagaRow, within: Duration) -> Result<(), String> {
    if world.met(Fault::ClockAhead) || world.met(Fault::ClockBehind) {
        // The journal's times are of two clocks then.
        return Ok(());
    }
    let mut asked: Vec<(Option<String>, What, i64)> = Vec::new();
    for entry in row.timeline() {
        let at = Timestamp::parse(&entry.at)
            .map_err(|error| error.to_string())?
            .unix_ms();
        match entry.what {
            What::Asked | What::UndoAsked => asked.push((entry.step.clone(), entry.what, at)),
            What::TimedOut | What::UndoTimedOut => {
                let of = if entry.what == What::TimedOut {
                    What::Asked
                } else {
                    What::UndoAsked
                };
                let last = asked
                    .iter()
                    .rev()
                    .find(|(step, what, _)| *step == entry.step && *what == of);
                let waited_ms = last.map_or(0, |(_, _, asked_at)| at - asked_at);
                if waited_ms < i64::try_from(within.as_millis()).unwrap_or(0) {
                    let step = entry.step.clone().unwrap_or_default();
                    return Err(format!("{step} was given {waited_ms} ms for its answer"));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// What rests on a step is undone before it.
fn undone_in_reverse(world: &World) -> Result<(), String> {
    let commands: Vec<String> = events_of(world, STREAM)
        .map(|event| event.event_type().to_owned())
        .collect();
    let first = |name: &str| commands.iter().position(|command| command == name);
    match (first("FreeSeat"), first("FreeRoom")) {
        (Some(seat), Some(room)) if seat > room => Err(format!("the room was freed before the seat: {commands:?}")),
        (None, Some(_)) if first("BookSeat").is_some() => Err(format!("the seat was not freed: {commands:?}")),
        _ => Ok(()),
    }
}
