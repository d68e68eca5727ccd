//! Two messages, one of them copied, for two processes: each changes the world once.

use std::sync::Arc;

use onecommit_engine::{Atomic, Commit, Consumer, Failure, Value};
use onecommit_event::{Aggregate, Event, NewEvent};
use onecommit_event_store::{EventStore, StoreError};
use onecommit_simulation::{EVENTS, Host, Process, QueueSettings, Scenario, World};

use super::payloads::payloads;
use super::{expect, number};

payloads! {
    Paid { amount: i64 }
    PointsAdded { points: i64 }
}

/// A handler that adds points to a row and tells of it in a stream of events.
pub(crate) struct Copies {
    pub(crate) batch: usize,
}

struct AddPoints {
    store: Arc<EventStore>,
}

const QUEUE: &str = "points";

fn stream() -> Result<Aggregate, Failure> {
    Aggregate::new("Points", "ada").map_err(Failure::Invalid)
}

impl Atomic<Paid> for AddPoints {
    async fn handle(&self, event: Event<Paid>) -> Result<Commit, Failure> {
        let points = event.payload().amount;
        let stream = stream()?;
        let version = match self.store.version(&stream).await {
            Ok(version) => version,
            Err(StoreError::Database(error)) => return Err(Failure::transient(error)),
            Err(error) => return Err(Failure::reject(error.to_string())),
        };
        let added = NewEvent::of(&PointsAdded { points }).map_err(Failure::Invalid)?;
        let row = onecommit_engine::Table::new("points").update(onecommit_engine::Key::new("pk", "ada"));
        Ok(Commit::of(row.add("points", points)).append(stream, version, [added]))
    }
}

/// A store of events as a process reaches it.
pub(crate) fn store_of(process: &Process, log: onecommit_engine::EventLog) -> EventStore {
    EventStore::new(process.tables(), log, process.environment())
}

impl Scenario for Copies {
    fn name(&self) -> &str {
        if self.batch == 1 {
            "copies, one by one"
        } else {
            "copies, in batches"
        }
    }

    fn set_up(&self, world: &mut World) {
        world.queue(QUEUE, QueueSettings::default());
        let log = world.event_log();
        let host = Host {
            instances: 2,
            batch: self.batch,
            ..Host::default()
        };
        world.consumer("points", QUEUE, host, move |process| {
            let store = Arc::new(store_of(process, log.clone()));
            Consumer::named("points").atomic(AddPoints { store })
        });
        let (one, other) = (paid(world, "p-1", 7), paid(world, "p-2", 5));
        for event in [&one, &one, &other] {
            world.send(QUEUE, event);
        }
    }

    fn judge(&self, world: &World) -> Result<(), String> {
        expect("points", &12, &number(world.row("points", &["ada"]).as_ref(), "points"))?;
        let mut causes: Vec<String> = events_of(world, "Points#ada")
            .map(|event| event.metadata().causation_id.clone())
            .collect();
        expect("events", &2, &causes.len())?;
        causes.sort();
        causes.dedup();
        expect("causes of the events", &2, &causes.len())?;
        nothing_lost(world, QUEUE)
    }
}

pub(crate) fn paid(world: &World, payment: &str, amount: i64) -> Event {
    world.event("Payment", payment, Paid { amount })
}

/// The events of a stream, in their order.
pub(crate) fn events_of<'a>(world: &'a World, stream: &'a str) -> impl Iterator<Item = Event> + 'a {
    let mut rows = world.tables().dump().remove(EVENTS).unwrap_or_default();
    rows.retain(|row| row.get("stream").and_then(Value::as_str) == Some(stream));
    rows.sort_by_key(|row| number(Some(row), "version"));
    rows.into_iter()
        .filter_map(|row| onecommit_engine::EventLog::event_in(&row).ok())
}

/// Nothing was parked, and the queue's own redrive took nothing.
pub(crate) fn nothing_lost(world: &World, queue: &str) -> Result<(), String> {
    expect(
        "parked",
        &Vec::<String>::new(),
        &world
            .parked(queue)
            .into_iter()
            .map(|(_, reason, why)| format!("{reason}: {why}"))
            .collect(),
    )?;
    expect("redriven", &0, &world.redriven(queue).len())
}
