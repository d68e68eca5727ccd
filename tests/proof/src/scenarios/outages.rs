//! Outages: one dependency does not work for a while, and everything else does. It costs time, never a message.
//!
//! A world of a consumer, an outbox, a mailer and sagas works through a day's orders. Then the same world does so while one
//! of its dependencies is out, and what came of it is compared.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use onecommit_engine::{
    Atomic, Commit, Consumer, Engine, Failure, IdempotencyKeys, Key, Keyed, Ledger, RetryingTables, Settings, Table,
    TableReader,
};
use onecommit_event::claim_check::ClaimCheck;
use onecommit_event::{Aggregate, Event, NewEvent};
use onecommit_saga::Status;
use onecommit_simulation::{
    EVENTS, Host, LEDGER, Outage, Outside, Process, QueueSettings, Scenario, Search, Target, Trouble, World,
};

use super::number;
use super::outbox::{DEAD_LETTERS, all_have_left, relay_and_recover};
use super::payloads::payloads;
use super::trips::{ORCHESTRATOR, SAGAS, SERVICES, TOPIC, Trip, TripRequested, WAKES, saga_row_of, wake_due};
use crate::bugs::Bug;

payloads! {
    OrderPlaced { note: String }
    OrderNoted { order: String }
    OrderCursed { order: String }
}

const ORDERS: &str = "orders";
const LETTERS: &str = "letters";
const VIEWS: &str = "views";
const CLAIMS: &str = "claims";
const POST: &str = "post";
/// How many orders and trips there are, over the whole time.
const ORDERS_PLACED: u32 = 24;
const TRIPS: u32 = 6;
/// One order of so many is too large for a message.
const ORDERS_PER_LARGE_ONE: u32 = 4;
/// The order that the topic refuses.
const CURSED: u32 = 9;
/// When the outage begins. Orders come in before, during and after it.
const BEGINS: Duration = Duration::from_secs(60);
const AFTERWARDS: Duration = Duration::from_secs(30);
/// What cannot be handled: it has to be parked, also while the dead-letter queue does not answer.
const POISON: &str = "not JSON";

/// What the stack's template sets.
const QUEUE: QueueSettings = QueueSettings::new()
    .visibility(Duration::from_secs(180))
    .receives_max(1000);
/// How often the template lets the relay recover and the sweeper sweep.
const EVERY_MINUTE: Duration = Duration::from_secs(60);
/// How long the post is waited for when it does not answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);
const INVOCATION: Duration = Duration::from_secs(30);

/// For how long something is out.
pub const DURATIONS: [Duration; 4] = [
    Duration::from_secs(30),
    Duration::from_secs(5 * 60),
    Duration::from_secs(3600),
    Duration::from_secs(12 * 3600),
];
/// After an outage of up to 5 min all work is done so soon after its end.
const RECOVERS_SOON: Duration = Duration::from_secs(120);
/// After a longer one.
const RECOVERS: Duration = Duration::from_secs(16 * 60);

/// One dependency, and what is the matter with it.
#[derive(Clone, Debug)]
pub struct Case {
    /// For people.
    pub name: &'static str,
    target: Target,
    trouble: Trouble,
}

/// Each dependency, one at a time.
#[must_use]
pub fn cases() -> Vec<Case> {
    let table = |name: &str| Target::Table(name.to_owned());
    let process = |name: &str| Target::Process(name.to_owned());
    let case = |name, target, trouble| Case { name, target, trouble };
    let minutes = |minutes: i64| Trouble::ClockOff(minutes * 60_000);
    vec![
        case("ledger does not answer", table(LEDGER), Trouble::Silent),
        case("ledger is throttled", table(LEDGER), Trouble::Throttled),
        case("views do not answer", table(VIEWS), Trouble::Silent),
        case("views are throttled", table(VIEWS), Trouble::Throttled),
        case("events do not answer", table(EVENTS), Trouble::Silent),
        case("events are throttled", table(EVENTS), Trouble::Throttled),
        case("sagas do not answer", table(SAGAS), Trouble::Silent),
        case("sagas are throttled", table(SAGAS), Trouble::Throttled),
        case(
            "claim-check bucket does not answer",
            Target::Bucket(CLAIMS.to_owned()),
            Trouble::Silent,
        ),
        case(
            "claim-check bucket is out of reach",
            Target::Bucket(CLAIMS.to_owned()),
            Trouble::Unreachable,
        ),
        case(
            "topic does not answer",
            Target::Topic(TOPIC.to_owned()),
            Trouble::Silent,
        ),
        case(
            "topic is throttled",
            Target::Topic(TOPIC.to_owned()),
            Trouble::Throttled,
        ),
        case(
            "sweeper's way to the orchestrator",
            Target::Topic(WAKES.to_owned()),
            Trouble::Silent,
        ),
        case(
            "dead-letter queue of a consumer",
            Target::DeadLetters(ORDERS.to_owned()),
            Trouble::Silent,
        ),
        case(
            "dead-letter queue of the relay",
            Target::DeadLetters(DEAD_LETTERS.to_owned()),
            Trouble::Silent,
        ),
        case(
            "queue of a consumer",
            Target::Queue(ORDERS.to_owned()),
            Trouble::Unreachable,
        ),
        case(
            "queue of the orchestrator",
            Target::Queue(ORCHESTRATOR.to_owned()),
            Trouble::Unreachable,
        ),
        case(
            "queue of the services",
            Target::Queue(SERVICES.to_owned()),
            Trouble::Unreachable,
        ),
        case(
            "downstream of a handler hangs",
            Target::Outside(POST.to_owned()),
            Trouble::Silent,
        ),
        case(
            "downstream of a handler is out of reach",
            Target::Outside(POST.to_owned()),
            Trouble::Unreachable,
        ),
        case(
            "downstream of a saga hangs",
            Target::Outside("printer".to_owned()),
            Trouble::Silent,
        ),
        case("consumer is cut off", process("orders"), Trouble::Silent),
        case("orchestrator is cut off", process("orchestrator"), Trouble::Silent),
        case("services are cut off", process("services"), Trouble::Silent),
        case("relay is cut off", process("relay"), Trouble::Silent),
        case("sweeper is cut off", process("sweeper"), Trouble::Silent),
        case("clock of the sender is 20 min ahead", process("customers"), minutes(20)),
        case("clock of a consumer is 20 min ahead", process("orders"), minutes(20)),
        case("clock of a consumer is 20 min behind", process("orders"), minutes(-20)),
        case(
            "clock of the orchestrator is 20 min ahead",
            process("orchestrator"),
            minutes(20),
        ),
        case(
            "clock of the orchestrator is 20 min behind",
            process("orchestrator"),
            minutes(-20),
        ),
        case(
            "clock of the services is 20 min ahead",
            process("services"),
            minutes(20),
        ),
        case("clock of the relay is 20 min ahead", process("relay"), minutes(20)),
        case("clock of the sweeper is 20 min ahead", process("sweeper"), minutes(20)),
    ]
}

/// What an outage came to.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Of what.
    pub case: &'static str,
    /// For how long.
    pub lasts: Duration,
    /// What should not be, each in words; nothing when all is well.
    pub wrong: Vec<String>,
    /// How long after its end all work was done.
    pub recovered_after: Duration,
    /// Requests during the outage.
    pub requests: usize,
    /// Requests in the same time when nothing is out.
    pub requests_normally: usize,
}

impl fmt::Display for Measured {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.recovered_after.as_secs();
        let (requests, normally) = (self.requests, self.requests_normally);
        if self.wrong.is_empty() {
            return write!(formatter, "after {seconds} s; {requests} requests, normally {normally}");
        }
        write!(
            formatter,
            "{}; {requests} requests, normally {normally}",
            self.wrong.join(", ")
        )
    }
}

/// Lets a dependency be out for a while.
#[must_use]
pub fn measure(case: &Case, lasts: Duration) -> Measured {
    measure_with(case, lasts, None)
}

/// The same with a bug, if there is one.
pub(crate) fn measure_with(case: &Case, lasts: Duration, bug: Option<Bug>) -> Measured {
    let calmly = |day: &Day| bug.map_or_else(|| Search::of(day), |bug| bug.search(day)).calmly();
    let outage = Outage {
        target: case.target.clone(),
        trouble: case.trouble,
        begins: BEGINS,
        lasts,
    };
    let ends = outage.ends();
    let (calm, of_calm) = calmly(&Day { lasts, outage: None });
    let (world, of_outage) = calmly(&Day {
        lasts,
        outage: Some(outage),
    });
    let mut wrong: Vec<String> = of_calm
        .err()
        .map(|what| format!("without any outage: {what}"))
        .into_iter()
        .collect();
    wrong.extend(of_outage.err());
    let recovered_after = world.elapsed().saturating_sub(ends);
    // What is dated 20 min ahead waits until it is 15 min ahead, however short the outage was.
    let is_of_clocks = matches!(case.trouble, Trouble::ClockOff(_));
    let limit = if lasts > DURATIONS[1] || is_of_clocks {
        RECOVERS
    } else {
        RECOVERS_SOON
    };
    if wrong.is_empty() && recovered_after > limit {
        wrong.push(format!("done only {} s after its end", recovered_after.as_secs()));
    }
    let (requests, requests_normally) = (
        world.requests_between(BEGINS, ends),
        calm.requests_between(BEGINS, ends),
    );
    if requests > 2 * requests_normally {
        wrong.push("more than twice the requests".to_owned());
    }
    Measured {
        case: case.name,
        lasts,
        wrong,
        recovered_after,
        requests,
        requests_normally,
    }
}

/// A day's orders and trips, with an outage in it.
struct Day {
    lasts: Duration,
    outage: Option<Outage>,
}

/// A day on which nothing is out.
#[cfg(test)]
pub(crate) fn calm_day() -> impl Scenario {
    Day {
        lasts: DURATIONS[0],
        outage: None,
    }
}

/// Notes an order in a row of its own, and tells of it in a stream of events.
struct Notes(Arc<dyn TableReader>);

impl Atomic<OrderPlaced> for Notes {
    async fn handle(&self, event: Event<OrderPlaced>) -> Result<Commit, Failure> {
        let order = event.aggregate().id().to_owned();
        let (views, row) = (Table::new(VIEWS), Key::new("pk", order.as_str()));
        let noted = number(self.0.get(&views, &row).await?.as_ref(), "noted");
        let next = if order == order_id(CURSED) {
            NewEvent::of(&OrderCursed { order })
        } else {
            NewEvent::of(&OrderNoted { order })
        };
        let next = next.map_err(Failure::Invalid)?;
        let note = views.update(row).set("noted", noted + 1);
        Ok(Commit::of(note).append(event.aggregate().clone(), 0, [next]))
    }
}

/// Sends a letter for each order.
struct Mailer(Outside);

impl Keyed<OrderNoted> for Mailer {
    async fn handle(&self, event: Event<OrderNoted>, calls: IdempotencyKeys) -> Result<Commit, Failure> {
        let order = &event.payload().order;
        let sent = self.0.call_once(order.clone(), &calls.key("send")).await;
        sent.map_err(Failure::unavailable)?;
        let row = Table::new(VIEWS).update(Key::new("pk", order.as_str()));
        Ok(Commit::of(row.add("letters", 1)))
    }
}

fn order_id(number: u32) -> String {
    format!("o-{number}")
}

fn trip_id(number: u32) -> String {
    format!("t-{number}")
}

/// Orders, trips and poison, evenly over the time there is.
async fn customers(process: Process, time: Duration) {
    let environment = process.environment();
    let bucket = process.bucket(CLAIMS);
    let mut orders = Vec::new();
    for number in 0..ORDERS_PLACED {
        let Ok(aggregate) = Aggregate::new("Order", order_id(number)) else {
            return;
        };
        let note = format!("order {number}");
        let Ok(order) = Event::new(aggregate, OrderPlaced { note }, &environment).into_raw() else {
            return;
        };
        let is_large = number % ORDERS_PER_LARGE_ONE == 1;
        let light = if is_large {
            ClaimCheck::leave(&order, &*bucket).await.ok()
        } else {
            None
        };
        orders.push(light.unwrap_or(order));
    }
    for (number, order) in (0..).zip(orders) {
        if number % (ORDERS_PLACED / TRIPS) == 2 {
            let trip = trip_id(number / (ORDERS_PLACED / TRIPS));
            let Ok(aggregate) = Aggregate::new("Trip", &trip) else {
                return;
            };
            let requested = Event::new(aggregate, TripRequested { trip }, &environment);
            process.deliver(ORCHESTRATOR, requested.to_json());
        }
        if number % (ORDERS_PLACED / 2) == 6 {
            process.deliver(ORDERS, format!("{POISON} {number}"));
        }
        process.deliver(ORDERS, order.with_timestamp(environment.clock().now()).to_json());
        environment.clock().sleep(time / ORDERS_PLACED).await;
    }
}

impl Scenario for Day {
    fn name(&self) -> &'static str {
        "a day with an outage"
    }

    fn steps_max(&self) -> u64 {
        5_000_000
    }

    fn set_up(&self, world: &mut World) {
        world.mark_pending();
        if let Some(outage) = &self.outage {
            world.outage(outage.clone());
        }
        let settings = Settings::default();
        Trip::Patient.employ(world, QUEUE, &settings);
        for queue in [ORDERS, LETTERS] {
            world.queue(queue, QUEUE);
        }
        world.refuse(TOPIC, "OrderCursed");
        world.subscribe(TOPIC, LETTERS, &["OrderNoted"]);
        let host = Host {
            invocation: Some(INVOCATION),
            ..Host::default()
        };
        let log = world.event_log();
        world.batch_handler("orders", ORDERS, host, move |process| {
            // As a process is wired: one layer that repeats reads, around the tables of all.
            let tables = Arc::new(RetryingTables::of(process.tables(), process.environment()));
            let consumer = Consumer::named("orders").atomic(Notes(Arc::clone(&tables) as Arc<dyn TableReader>));
            let ledger = Ledger::new(Table::new(LEDGER));
            let engine = Engine::new(consumer, tables, ledger, process.environment());
            engine
                .with_event_log(log.clone())
                .with_claim_checks(process.bucket(CLAIMS))
        });
        world.consumer("mailer", LETTERS, host, |process| {
            Consumer::named("mailer").keyed(Mailer(process.outside(POST).within(ANSWERS_WITHIN)))
        });
        relay_and_recover(world, TOPIC, EVERY_MINUTE);
        world.every("sweeper", EVERY_MINUTE, wake_due);
        let time = BEGINS + self.lasts + AFTERWARDS;
        world.process("customers", move |process| customers(process, time));
    }

    fn is_settled(&self, world: &World) -> bool {
        (0..TRIPS).all(|trip| status_of(world, trip).is_some_and(Status::is_end)) && all_have_left(world)
    }

    fn judge(&self, world: &World) -> Result<(), String> {
        let mut wrong = Vec::new();
        let mut note = |count: usize, what: &str| {
            if count > 0 {
                wrong.push(format!("{count} {what}"));
            }
        };
        let queues = [ORDERS, LETTERS, ORCHESTRATOR, SERVICES, DEAD_LETTERS];
        let parked = queues.iter().flat_map(|queue| world.parked(queue));
        let parked: Vec<String> = parked.map(|(delivery, _, _)| delivery.body).collect();
        let belongs_there = |body: &str| body.starts_with(POISON) || body.contains("OrderCursed");
        note(parked.iter().filter(|body| !belongs_there(body)).count(), "parked");
        let bare: usize = queues.iter().map(|queue| world.redriven(queue).len()).sum();
        note(bare, "bare in a dead-letter queue");
        let missing = 3_usize.saturating_sub(parked.iter().filter(|body| belongs_there(body)).count());
        note(missing, "not parked that should be");
        let compensated = |trip: &u32| status_of(world, *trip) == Some(Status::Compensated);
        note((0..TRIPS).filter(compensated).count(), "sagas compensated");
        let is_open = |trip: &u32| !status_of(world, *trip).is_some_and(Status::is_end);
        note((0..TRIPS).filter(is_open).count(), "sagas open");
        let shown = |order: &u32, name: &str| number(world.row(VIEWS, &[&order_id(*order)]).as_ref(), name);
        note(
            (0..ORDERS_PLACED).filter(|order| shown(order, "noted") != 1).count(),
            "orders not noted once",
        );
        let is_unsent = |order: &u32| *order != CURSED && shown(order, "letters") != 1;
        note((0..ORDERS_PLACED).filter(is_unsent).count(), "letters not sent once");
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(wrong.join(", "))
        }
    }
}

fn status_of(world: &World, trip: u32) -> Option<Status> {
    let row = saga_row_of(world, &format!("TripSaga#{}", trip_id(trip)));
    row.map(|row| row.status())
}
