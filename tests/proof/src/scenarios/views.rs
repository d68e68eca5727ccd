//! Rows of views that are kept by the sequence of events, which come in any order.

use onecommit_engine::{Consumer, Failure, Key, SequencedUpdate, Table};
use onecommit_event::{Event, Metadata};
use onecommit_simulation::{Host, QueueSettings, Scenario, World};

use super::copies::nothing_lost;
use super::payloads::payloads;
use super::{expect, number};

payloads! {
    Measured { degrees: i64 }
    Rained { litres: i64 }
}

/// A row of last values, and one that adds up.
pub(crate) struct Views;

const QUEUE: &str = "weather";

fn temperature(event: &Event<Measured>) -> Result<SequencedUpdate, Failure> {
    let row = Table::new("temperatures").update(Key::new("pk", event.aggregate().id()));
    Ok(SequencedUpdate::last_value(row.set("degrees", event.payload().degrees)))
}

fn rain(event: &Event<Rained>) -> Result<SequencedUpdate, Failure> {
    let row = Table::new("rain").update(Key::new("pk", event.aggregate().id()));
    Ok(SequencedUpdate::accumulating(row.add("litres", event.payload().litres)))
}

fn with_sequence(event: Event, sequence: u64) -> Event {
    let metadata = Metadata {
        sequence: Some(sequence),
        ..event.metadata().clone()
    };
    event.with_metadata(metadata)
}

impl Scenario for Views {
    fn name(&self) -> &str {
        "views kept by sequence"
    }

    fn set_up(&self, world: &mut World) {
        world.queue(QUEUE, QueueSettings::default());
        let host = Host {
            instances: 2,
            batch: 2,
            ..Host::default()
        };
        world.consumer("weather", QUEUE, host, |_| {
            Consumer::named("weather").sequenced(temperature).sequenced(rain)
        });
        for sequence in 1..=3_u64 {
            let value = i64::try_from(sequence).unwrap_or(0);
            let measured = world.event("Station", "s", Measured { degrees: 10 + value });
            let rained = world.event("Gauge", "g", Rained { litres: value });
            world.send(QUEUE, &with_sequence(rained, sequence));
            world.send(QUEUE, &with_sequence(measured, sequence));
        }
    }

    fn judge(&self, world: &World) -> Result<(), String> {
        let degrees = number(world.row("temperatures", &["s"]).as_ref(), "degrees");
        expect("the last temperature", &13, &degrees)?;
        expect("all rain", &6, &number(world.row("rain", &["g"]).as_ref(), "litres"))?;
        nothing_lost(world, QUEUE)
    }
}
