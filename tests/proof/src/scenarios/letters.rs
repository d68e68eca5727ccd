//! Calls to a system that honours idempotency keys: each is done once.

use onecommit_engine::{Commit, Consumer, Failure, IdempotencyKeys, Key, Keyed, Table};
use onecommit_event::Event;
use onecommit_simulation::{Host, Outside, QueueSettings, Scenario, World};

use super::copies::nothing_lost;
use super::payloads::payloads;
use super::{expect, number};

payloads! {
    LetterDue { to: String }
}

/// A letter and its copy, which are printed and then franked.
pub(crate) struct Letters;

struct Post(Outside);

const QUEUE: &str = "letters";

impl Keyed<LetterDue> for Post {
    async fn handle(&self, event: Event<LetterDue>, calls: IdempotencyKeys) -> Result<Commit, Failure> {
        let to = &event.payload().to;
        for step in ["print", "frank"] {
            let call = self.0.call_once(format!("{step} {to}"), &calls.key(step)).await;
            call.map_err(Failure::transient)?;
        }
        let row = Table::new("letters").update(Key::new("pk", to.as_str()));
        Ok(Commit::of(row.add("sent", 1)))
    }
}

impl Scenario for Letters {
    fn name(&self) -> &str {
        "calls with idempotency keys"
    }

    fn set_up(&self, world: &mut World) {
        world.queue(QUEUE, QueueSettings::default());
        let host = Host {
            instances: 2,
            batch: 1,
            ..Host::default()
        };
        world.consumer("letters", QUEUE, host, |process| {
            let post = Post(process.outside("post"));
            Consumer::named("letters").keyed(post)
        });
        let event = world.event("Letter", "l-1", LetterDue { to: "ada".to_owned() });
        world.send(QUEUE, &event);
        world.send(QUEUE, &event);
    }

    fn judge(&self, world: &World) -> Result<(), String> {
        let done = world.done_outside("post");
        expect("calls", &["print ada", "frank ada"].map(str::to_owned).to_vec(), &done)?;
        expect("sent", &1, &number(world.row("letters", &["ada"]).as_ref(), "sent"))?;
        nothing_lost(world, QUEUE)
    }
}
