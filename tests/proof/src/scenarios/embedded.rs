//! Rows that record by themselves what they have taken.

use std::time::Duration;

use onecommit_engine::{
    AlsoInLedger, Commit, Consumer, Failure, Key, MovedRow, Row, RowUpdate, Settings, Table, Value,
};
use onecommit_environment::Clock;
use onecommit_event::{Aggregate, Event};
use onecommit_simulation::{Fault, Host, Outage, Process, QueueSettings, Scenario, Target, TopicKind, Trouble, World};

use super::copies::nothing_lost;
use super::payloads::payloads;
use super::{expect, number};

payloads! {
    Weighed { grams: i64 }
}

/// The table of the rows; a row per parcel, and one for all of a day.
pub(crate) const WEIGHTS: &str = "weights";
const QUEUE: &str = "weighed";
const TOPIC: &str = "scales";
const DAY: Duration = Duration::from_secs(24 * 3600);
const MINUTE: Duration = Duration::from_secs(60);
/// How long one set of marks is added to.
const PERIOD: Duration = Duration::from_secs(8 * 24 * 3600);

fn row(pk: &str) -> Row {
    Table::new(WEIGHTS).row(Key::new("pk", pk))
}

fn of_all(_: &Event<Weighed>) -> Row {
    row("all")
}

fn of_parcel(event: &Event<Weighed>) -> Row {
    row(event.aggregate().id())
}

async fn add(event: Event<Weighed>, row: RowUpdate) -> Result<RowUpdate, Failure> {
    Ok(row.add("grams", event.payload().grams))
}

async fn add_atomically(event: Event<Weighed>) -> Result<Commit, Failure> {
    let row = Table::new(WEIGHTS).update(Key::new("pk", event.aggregate().id()));
    Ok(Commit::of(row.add("grams", event.payload().grams)))
}

/// Processes that live for weeks; others would not know what they remember.
fn forgetful(consumer: Consumer) -> Consumer {
    consumer.with(Settings::default().remembered_max(0))
}

fn grams(world: &World, pk: &str) -> i64 {
    number(world.row(WEIGHTS, &[pk]).as_ref(), "grams")
}

// ------------------------------------------------------------ copies

/// Copies for two consumers that share a row, which another handler changes in transactions.
pub(crate) struct SharedRow;

impl Scenario for SharedRow {
    fn name(&self) -> &str {
        "embedded: two consumers on one row"
    }

    fn set_up(&self, world: &mut World) {
        let host = Host {
            instances: 2,
            batch: 2,
            ..Host::default()
        };
        let events = [("p-1", 7), ("p-2", 5)].map(|(parcel, grams)| world.event("Parcel", parcel, Weighed { grams }));
        for (name, attribute) in [("sums", "grams"), ("totals", "total")] {
            world.queue(name, QueueSettings::default());
            world.consumer(name, name, host, move |_| {
                let add = move |event: Event<Weighed>, row: RowUpdate| async move {
                    Ok::<_, Failure>(row.add(attribute, event.payload().grams))
                };
                Consumer::named(name).embedded(of_all, add)
            });
            for event in [&events[0], &events[0], &events[1]] {
                world.send(name, event);
            }
        }
        world.queue("parcel-counts", QueueSettings::default());
        world.consumer("parcel-counts", "parcel-counts", Host::default(), |_| {
            let count = |_: Event<Weighed>| async {
                let row = Table::new(WEIGHTS).update(Key::new("pk", "all"));
                Ok::<_, Failure>(Commit::of(row.add("parcels", 1)))
            };
            Consumer::named("parcel-counts").atomic(count)
        });
        events.iter().for_each(|event| world.send("parcel-counts", event));
    }

    fn judge(&self, world: &World) -> Result<(), String> {
        let all = world.row(WEIGHTS, &["all"]);
        expect("grams", &12, &number(all.as_ref(), "grams"))?;
        expect("total", &12, &number(all.as_ref(), "total"))?;
        expect("parcels", &2, &number(all.as_ref(), "parcels"))?;
        ["sums", "totals", "parcel-counts"]
            .iter()
            .try_for_each(|queue| nothing_lost(world, queue))
    }
}

// ------------------------------------------------------------ time

/// What is sent: another event, or a copy of the one of this number.
#[derive(Clone, Copy)]
enum Sent {
    New,
    Copy(usize),
}

/// Sends events of one gram each and copies, each at its time from the beginning.
async fn send(process: Process, plan: Vec<(Duration, Sent)>) {
    let environment = process.environment();
    let clock: &dyn Clock = environment.clock();
    let began = clock.instant();
    let mut sent: Vec<Event> = Vec::new();
    for (at, what) in plan {
        let passed = clock.instant().saturating_duration_since(began);
        clock.sleep(at.saturating_sub(passed)).await;
        let event = match what {
            Sent::Copy(number) => sent[number].clone(),
            Sent::New => {
                let aggregate = Aggregate::new("Parcel", format!("p-{}", sent.len()));
                let event = aggregate.map(|aggregate| Event::new(aggregate, Weighed { grams: 1 }, &environment));
                match event.and_then(Event::into_raw) {
                    Ok(event) => sent.push(event),
                    Err(error) => return process.note(format!("an event could not be made: {error}")),
                }
                sent[sent.len() - 1].clone()
            }
        };
        while process.publish(TOPIC, event.clone()).await.is_err() {
            clock.sleep(Duration::from_secs(1)).await;
        }
    }
}

/// Without crashes, after which the waiting would begin anew.
const FAULTS: &[Fault] = &[
    Fault::AnswerLost,
    Fault::Late,
    Fault::Throttled,
    Fault::Conflict,
    Fault::Doubled,
    Fault::Unreachable,
    Fault::ClockAhead,
    Fault::ClockBehind,
];

/// Two processes of one consumer, whose clocks are five minutes ahead and behind, on what a sender sends over months.
fn set_up(world: &mut World, plan: Vec<(Duration, Sent)>) {
    world.queue(QUEUE, QueueSettings::default());
    world.topic(TOPIC, TopicKind::Sns);
    world.subscribe(TOPIC, QUEUE, &[]);
    let host = Host {
        instances: 2,
        batch: 2,
        ..Host::default()
    };
    for (process, minutes) in [("weights/1", 5), ("weights/2", -5)] {
        world.outage(Outage {
            target: Target::Process(process.to_owned()),
            trouble: Trouble::ClockOff(minutes * 60_000),
            begins: Duration::ZERO,
            lasts: 400 * DAY,
        });
    }
    world.consumer("weights", QUEUE, host, |_| {
        forgetful(Consumer::named("weights").embedded(of_all, add))
    });
    world.process("sender", move |process| send(process, plan.clone()));
}

/// The times before and after each of the next boundaries of two periods.
fn around_boundaries(world: &World, boundaries: u32) -> impl Iterator<Item = Duration> {
    let since_1970 = Duration::from_millis(u64::try_from(world.now().unix_ms()).unwrap_or(0));
    let first = PERIOD.saturating_sub(Duration::from_nanos(
        u64::try_from(since_1970.as_nanos() % PERIOD.as_nanos()).unwrap_or(0),
    ));
    (0..boundaries).flat_map(move |number| {
        let at = first + PERIOD * number;
        [at.saturating_sub(4 * MINUTE), at + 4 * MINUTE]
    })
}

/// Copies of events that were handled around the boundary of two sets of marks, soon after and 29 days after.
pub(crate) struct Rotation;

impl Scenario for Rotation {
    fn name(&self) -> &str {
        "embedded: sets of marks rotate"
    }

    fn faults(&self) -> &'static [Fault] {
        FAULTS
    }

    fn set_up(&self, world: &mut World) {
        let mut plan = Vec::new();
        for (number, at) in around_boundaries(world, 5).enumerate() {
            let copies = [2 * MINUTE, 8 * MINUTE, 29 * DAY];
            plan.push((at, Sent::New));
            plan.extend(copies.map(|after| (at + after, Sent::Copy(number))));
        }
        plan.sort_by_key(|(at, _)| *at);
        set_up(world, plan);
    }

    fn judge(&self, world: &World) -> Result<(), String> {
        expect("notes", &Vec::<String>::new(), &world.notes())?;
        expect("grams", &10, &grams(world, "all"))?;
        let row = world.row(WEIGHTS, &["all"]).unwrap_or_default();
        let sets = row.values().filter(|value| matches!(value, Value::ByteSet(_))).count();
        expect("whether old sets are gone", &true, &(sets <= 6))?;
        nothing_lost(world, QUEUE)
    }
}

/// A row that is full spills to the ledger, cools down, and is on its own again weeks later.
pub(crate) struct Spills;

impl Scenario for Spills {
    fn name(&self) -> &str {
        "embedded: a row spills and cools down"
    }

    fn faults(&self) -> &'static [Fault] {
        FAULTS
    }

    fn set_up(&self, world: &mut World) {
        // As if 39 others had been handled in this period.
        let period = u128::try_from(world.now().unix_ms()).unwrap_or(0) / PERIOD.as_millis();
        let handled = (1..40_u8).map(|number| vec![number; 16]);
        let content = (1..40_u8).map(|number| vec![number; 4]);
        let marks = handled.chain(content);
        world.insert(
            Table::new(WEIGHTS)
                .update(Key::new("pk", "all"))
                .add_to_set(format!("_m{period}"), marks),
        );
        let mut plan = vec![(Duration::ZERO, Sent::New); 4];
        for day in [1, 9, 17, 29] {
            plan.extend((0..4).map(|number| (DAY * day, Sent::Copy(number))));
        }
        // While it cools down, and after.
        plan.extend([(12 * DAY, Sent::New), (36 * DAY, Sent::New), (80 * DAY, Sent::New)]);
        plan.extend([(13 * DAY, 4), (40 * DAY, 4), (60 * DAY, 5), (81 * DAY, 6)].map(|(at, of)| (at, Sent::Copy(of))));
        plan.sort_by_key(|(at, _)| *at);
        set_up(world, plan);
    }

    fn judge(&self, world: &World) -> Result<(), String> {
        expect("notes", &Vec::<String>::new(), &world.notes())?;
        expect("grams", &7, &grams(world, "all"))?;
        nothing_lost(world, QUEUE)
    }
}

// ------------------------------------------------------------ versions

/// Processes of two versions work on one queue, as while one is deployed.
#[derive(Clone, Copy)]
pub(crate) enum Rolling {
    /// The key function changes.
    Key,
    /// A handler that was atomic becomes embedded.
    Class,
}

impl Scenario for Rolling {
    fn name(&self) -> &str {
        match self {
            Self::Key => "embedded: a key function changes",
            Self::Class => "embedded: a handler becomes embedded",
        }
    }

    fn set_up(&self, world: &mut World) {
        world.queue(QUEUE, QueueSettings::default());
        let which = *self;
        let host = Host {
            batch: 2,
            ..Host::default()
        };
        world.consumer("weights-before", QUEUE, host, move |_| match which {
            Self::Key => Consumer::named("weights").embedded(of_parcel, add),
            Self::Class => Consumer::named("weights").atomic(add_atomically),
        });
        world.consumer("weights-after", QUEUE, host, move |_| match which {
            Self::Key => {
                let row = MovedRow {
                    row: of_all,
                    earlier: of_parcel,
                };
                Consumer::named("weights").embedded(row, add)
            }
            Self::Class => Consumer::named("weights").embedded(AlsoInLedger(of_parcel), add),
        });
        let events = [("p", 7), ("p", 5)].map(|(parcel, grams)| world.event("Parcel", parcel, Weighed { grams }));
        for event in [&events[0], &events[1], &events[0], &events[1], &events[0]] {
            world.send(QUEUE, event);
        }
    }

    fn judge(&self, world: &World) -> Result<(), String> {
        expect("grams", &12, &(grams(world, "all") + grams(world, "p")))?;
        nothing_lost(world, QUEUE)
    }
}
