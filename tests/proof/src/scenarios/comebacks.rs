//! A copy that comes back days later, from a dead-letter queue.

use std::time::Duration;

use onecommit_commit::{Commit, Consumer, Failure, Key, Table};
use onecommit_environment::Clock;
use onecommit_event::Event;
use onecommit_testing::simulation::{Fault, Host, Process, QueueSettings, Scenario, TopicKind, World};

use super::copies::{nothing_lost, patient};
use super::payloads::payloads;
use super::{expect, number};

payloads! {
    Donated { amount: i64 }
}

/// As long as a queue and its dead-letter queue together keep a message: 28 days.
const LONGEST: Duration = Duration::from_secs(28 * 24 * 3600);
const QUEUE: &str = "donations";
const REDRIVE: &str = "redrive";

/// A message, and its copy as late as one can be.
pub(crate) struct Comebacks;

async fn donate(event: Event<Donated>) -> Result<Commit, Failure> {
    let row = Table::new("donations").update(Key::new("pk", "all"));
    Ok(Commit::of(row.add("amount", event.payload().amount)))
}

async fn redrive(process: Process, event: Event) {
    let environment = process.environment();
    let clock: &dyn Clock = environment.clock();
    clock.sleep(LONGEST).await;
    while process.publish(REDRIVE, event.clone()).await.is_err() {
        clock.sleep(Duration::from_secs(1)).await;
    }
}

impl Scenario for Comebacks {
    fn name(&self) -> &str {
        "a copy after four weeks"
    }

    /// A crash would make the late copy later than one can be.
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
            Consumer::named("donations")
                .atomic(donate)
                .with(onecommit_commit::Settings {
                    // The process lives for weeks; others would not know what it remembers.
                    remembered_max: 0,
                    ..patient()
                })
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
        nothing_lost(world, QUEUE)
    }
}
