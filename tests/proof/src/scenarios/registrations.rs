//! An insertion, which fails for every copy by itself: a copy counts as one all the same.

use onecommit_engine::{Commit, Consumer, Failure, Key, Table, Value};
use onecommit_event::Event;
use onecommit_simulation::{Host, QueueSettings, Scenario, World};

use super::copies::nothing_lost;
use super::expect;
use super::payloads::payloads;

payloads! {
    Registered { name: String }
}

const QUEUE: &str = "registrations";

/// A registration and two copies for two processes.
pub(crate) struct Registrations;

async fn register(event: Event<Registered>) -> Result<Commit, Failure> {
    let name = event.payload().name.as_str();
    let row = [("name".to_owned(), Value::from(name))];
    Ok(Commit::of(
        Table::new("users").put(Key::new("pk", name), row).only_if_absent(),
    ))
}

impl Scenario for Registrations {
    fn name(&self) -> &str {
        "an insertion and its copies"
    }

    fn set_up(&self, world: &mut World) {
        world.queue(QUEUE, QueueSettings::default());
        let host = Host {
            instances: 2,
            batch: 1,
            ..Host::default()
        };
        world.consumer("registrations", QUEUE, host, |_| {
            Consumer::named("registrations").atomic(register)
        });
        let event = world.event("User", "ada", Registered { name: "ada".to_owned() });
        for _ in 0..3 {
            world.send(QUEUE, &event);
        }
    }

    fn judge(&self, world: &World) -> Result<(), String> {
        expect("users", &1, &world.tables().count("users"))?;
        nothing_lost(world, QUEUE)
    }
}
