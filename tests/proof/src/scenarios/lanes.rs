//! Messages of one group of a FIFO queue: none overtakes another.

use std::sync::Arc;

use onecommit_engine::{Atomic, Commit, Condition, Consumer, Failure, Key, Table, TableReader, Value};
use onecommit_event::Event;
use onecommit_simulation::{Host, QueueSettings, Scenario, SimulatedTables, World};

use super::copies::nothing_lost;
use super::expect;
use super::payloads::payloads;

payloads! {
    Written { word: String }
}

/// Appends words to the text of their aggregate.
pub(crate) struct Lanes;

struct Append {
    tables: Arc<SimulatedTables>,
}

const QUEUE: &str = "words.fifo";

impl Atomic<Written> for Append {
    async fn handle(&self, event: Event<Written>) -> Result<Commit, Failure> {
        let texts = Table::new("texts");
        let key = Key::new("pk", event.aggregate().id());
        let row = self.tables.get(&texts, &key).await.map_err(Failure::transient)?;
        let before = row.as_ref().and_then(|row| row.get("text")).and_then(Value::as_str);
        let text = format!("{}{}", before.unwrap_or_default(), event.payload().word);
        let expected = match before {
            Some(before) => Condition::equals("text", before),
            None => Condition::absent("text"),
        };
        Ok(Commit::of(texts.update(key).set("text", text).only_if(expected)))
    }
}

impl Scenario for Lanes {
    fn name(&self) -> &str {
        "lanes of a FIFO queue"
    }

    fn set_up(&self, world: &mut World) {
        let settings = QueueSettings::new().is_fifo(true);
        world.queue(QUEUE, settings);
        let host = Host {
            instances: 2,
            batch: 3,
            ..Host::default()
        };
        world.consumer("words", QUEUE, host, |process| {
            let tables = process.tables();
            Consumer::named("words").atomic(Append { tables })
        });
        for (text, word) in [("a", "1"), ("a", "2"), ("b", "x"), ("a", "3")] {
            let event = world.event("Text", text, Written { word: word.to_owned() });
            world.send(QUEUE, &event);
        }
    }

    fn judge(&self, world: &World) -> Result<(), String> {
        let text = |id: &str| {
            let row = world.row("texts", &[id]);
            row.and_then(|row| row.get("text").and_then(Value::as_str).map(str::to_owned))
        };
        expect("text a", &Some("123".to_owned()), &text("a"))?;
        expect("text b", &Some("x".to_owned()), &text("b"))?;
        nothing_lost(world, QUEUE)
    }
}
