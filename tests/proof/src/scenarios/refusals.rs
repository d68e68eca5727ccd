//! A message of a FIFO group that is refused, and the next one of its group, after which it would not be.

use std::sync::Arc;

use onecommit_engine::{Atomic, Commit, Consumer, Failure, Key, ParkReason, Table, TableReader};
use onecommit_event::Event;
use onecommit_simulation::{Host, QueueSettings, Scenario, SimulatedTables, World};

use super::payloads::payloads;
use super::{expect, number};

payloads! {
    DoorPassed { action: String }
}

/// Somebody enters before the door is opened, and may not; that must stay so when the dead-letter queue does not take the
/// message at once.
pub(crate) struct Refusals;

struct Door {
    tables: Arc<SimulatedTables>,
}

const QUEUE: &str = "door.fifo";

impl Atomic<DoorPassed> for Door {
    async fn handle(&self, event: Event<DoorPassed>) -> Result<Commit, Failure> {
        let doors = Table::new("doors");
        let key = Key::new("pk", event.aggregate().id());
        let row = self.tables.get(&doors, &key).await?;
        let is_open = number(row.as_ref(), "opened") > 0;
        match event.payload().action.as_str() {
            "open" => Ok(Commit::of(doors.update(key).add("opened", 1))),
            _ if is_open => Ok(Commit::of(doors.update(key).add("entered", 1))),
            _ => Err(Failure::reject("the door is closed")),
        }
    }
}

impl Scenario for Refusals {
    fn name(&self) -> &str {
        "a refused message of a group"
    }

    fn set_up(&self, world: &mut World) {
        let settings = QueueSettings::new().is_fifo(true);
        world.queue(QUEUE, settings);
        let host = Host {
            instances: 2,
            batch: 2,
            ..Host::default()
        };
        world.consumer("door", QUEUE, host, |process| {
            let tables = process.tables();
            Consumer::named("door").atomic(Door { tables })
        });
        for action in ["enter", "open"] {
            let passed = DoorPassed {
                action: action.to_owned(),
            };
            let event = world.event("Door", "d", passed);
            world.send(QUEUE, &event);
        }
    }

    fn judge(&self, world: &World) -> Result<(), String> {
        let row = world.row("doors", &["d"]);
        expect("opened", &1, &number(row.as_ref(), "opened"))?;
        expect("entered", &0, &number(row.as_ref(), "entered"))?;
        let parked = world.parked(QUEUE);
        let is_refused = parked.iter().all(|(_, reason, _)| *reason == ParkReason::Rejected);
        expect("parked as rejected", &true, &(!parked.is_empty() && is_refused))?;
        expect("redriven", &0, &world.redriven(QUEUE).len())
    }
}
