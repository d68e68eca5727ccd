//! Copies that are redelivered weeks and months later, each time redriven from a dead-letter queue anew.

use std::time::Duration;

use onecommit_engine::{Commit, Consumer, Delivery, Failure, Key, ParkReason, Table};
use onecommit_environment::Clock;
use onecommit_event::Event;
use onecommit_simulation::{Fault, Host, Process, QueueSettings, Scenario, TopicKind, World};

use super::payloads::payloads;
use super::{expect, number};

payloads! {
    Donated { amount: i64 }
}

/// When copies come: while the ledger remembers the event, soon after, and long after.
const DAYS: [u64; 4] = [29, 40, 40, 400];
const DAY: Duration = Duration::from_secs(24 * 3600);
const QUEUE: &str = "donations";
const REDRIVE: &str = "redrive";

/// A message and its late copies.
pub(crate) struct Comebacks;

async fn donate(event: Event<Donated>) -> Result<Commit, Failure> {
    let row = Table::new("donations").update(Key::new("pk", "all"));
    Ok(Commit::of(row.add("amount", event.payload().amount)))
}

async fn redrive(process: Process, event: Event) {
    let environment = process.environment();
    let clock: &dyn Clock = environment.clock();
    let began = clock.instant();
    for days in DAYS {
        let passed = clock.instant().saturating_duration_since(began);
        clock
            .sleep((DAY * u32::try_from(days).unwrap_or(0)).saturating_sub(passed))
            .await;
        while process.publish(REDRIVE, event.clone()).await.is_err() {
            clock.sleep(Duration::from_secs(1)).await;
        }
    }
}

impl Scenario for Comebacks {
    fn name(&self) -> &str {
        "copies after weeks and months"
    }

    /// A crash would begin the waiting anew.
    fn faults(&self) -> &'static [Fault] {
        &[
            Fault::AnswerLost,
            Fault::Late,
            Fault::Throttled,
            Fault::Conflict,
            Fault::Doubled,
            Fault::Unreachable,
        ]
    }

    fn set_up(&self, world: &mut World) {
        world.queue(QUEUE, QueueSettings::default());
        world.topic(REDRIVE, TopicKind::Sns);
        world.subscribe(REDRIVE, QUEUE, &[]);
        world.consumer("donations", QUEUE, Host::default(), |_| {
            Consumer::named("donations").atomic(donate).with(
                onecommit_engine::Settings::default()
                    // The process lives for weeks; others would not know what it remembers.
                    .remembered_max(0),
            )
        });
        let event = world.event("Donation", "d-1", Donated { amount: 3 });
        world.send(QUEUE, &event);
        world.process("redrive", move |process| redrive(process, event.clone()));
    }

    fn judge(&self, world: &World) -> Result<(), String> {
        expect(
            "donated",
            &3,
            &number(world.row("donations", &["all"]).as_ref(), "amount"),
        )?;
        let parked = world.parked(QUEUE);
        let is_known = |(_, reason, _): &(Delivery, ParkReason, String)| *reason == ParkReason::OlderThanTheLedger;
        expect(
            "parked for being too old",
            &true,
            &(parked.len() >= 3 && parked.iter().all(is_known)),
        )?;
        expect("redriven", &0, &world.redriven(QUEUE).len())
    }
}
