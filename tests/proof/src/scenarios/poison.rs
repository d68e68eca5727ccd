//! Messages that cannot be handled, each in its own way, beside one that can: all are parked with their reason.

use std::collections::BTreeSet;

use onecommit_engine::{Commit, Consumer, Delivery, Failure, Key, ParkReason, Table};
use onecommit_event::Event;
use onecommit_simulation::{Host, QueueSettings, Scenario, World};

use super::payloads::payloads;
use super::{expect, number};

payloads! {
    Counted { amount: i64 }
    Broken { amount: i64 }
}

/// Malformed, contradicting, rejected, failing every time - and right.
pub(crate) struct Poison;

const QUEUE: &str = "counts";

async fn count(event: Event<Counted>) -> Result<Commit, Failure> {
    let amount = event.payload().amount;
    if amount < 0 {
        return Err(Failure::reject("nothing counts backwards"));
    }
    let row = Table::new("counts").update(Key::new("pk", event.aggregate().id()));
    Ok(Commit::of(row.add("count", amount)))
}

async fn never(_: Event<Broken>) -> Result<Commit, Failure> {
    Err(Failure::transient("the other side is down"))
}

impl Scenario for Poison {
    fn name(&self) -> &str {
        "poison beside what is right"
    }

    fn set_up(&self, world: &mut World) {
        world.queue(QUEUE, QueueSettings::default());
        let host = Host {
            instances: 2,
            batch: 3,
            ..Host::default()
        };
        world.consumer("counts", QUEUE, host, |_| {
            Consumer::named("counts").atomic(count).atomic(never)
        });
        let right = world.event("Counter", "c", Counted { amount: 3 });
        let contradiction = right.to_json().replace("\"amount\":3", "\"amount\":4");
        let rejected = world.event("Counter", "d", Counted { amount: -1 });
        let failing = world.event("Counter", "e", Broken { amount: 1 });
        world.send(QUEUE, &right);
        world.send(QUEUE, &rejected);
        world.send_body(QUEUE, "not JSON".to_owned(), None);
        world.send_body(QUEUE, contradiction, None);
        world.send(QUEUE, &failing);
    }

    fn judge(&self, world: &World) -> Result<(), String> {
        let count = number(world.row("counts", &["c"]).as_ref(), "count");
        if ![3, 4].contains(&count) {
            return Err(format!(
                "the count is {count}: one of two that contradict each other has to count, once"
            ));
        }
        let parked = world.parked(QUEUE);
        let reasons: BTreeSet<String> = parked.iter().map(|(_, reason, _)| reason.to_string()).collect();
        let expected = ["ContradictsHandled", "HandlerFailed", "MalformedBody", "Rejected"];
        expect("reasons", &expected.map(str::to_owned).into_iter().collect(), &reasons)?;
        let is_of = |delivery: &Delivery, reason: &ParkReason| match delivery.message_id.as_str() {
            "message-2" => *reason == ParkReason::Rejected,
            "message-3" => *reason == ParkReason::MalformedBody,
            "message-5" => *reason == ParkReason::HandlerFailed,
            _ => *reason == ParkReason::ContradictsHandled,
        };
        if let Some((delivery, reason, _)) = parked.iter().find(|(delivery, reason, _)| !is_of(delivery, reason)) {
            return Err(format!("{} is parked as {reason}", delivery.message_id));
        }
        expect("redriven", &0, &world.redriven(QUEUE).len())
    }
}
