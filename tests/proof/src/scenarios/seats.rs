//! Several messages of one batch, which share transactions, and some of which want the same row.

use std::sync::Arc;

use onecommit_engine::{Atomic, Commit, Consumer, Failure, Key, Table, TableReader, Value};
use onecommit_event::Event;
use onecommit_simulation::{Host, QueueSettings, Scenario, SimulatedTables, World};

use super::copies::nothing_lost;
use super::expect;
use super::payloads::payloads;

payloads! {
    SeatWanted { seat: i64, by: String }
}

/// Whoever comes first gets the seat, the other one is told so.
pub(crate) struct Seats;

struct Assign {
    tables: Arc<SimulatedTables>,
}

const QUEUE: &str = "seats";

impl Atomic<SeatWanted> for Assign {
    async fn handle(&self, event: Event<SeatWanted>) -> Result<Commit, Failure> {
        let SeatWanted { seat, by } = event.payload();
        let (seats, refusals) = (Table::new("seats"), Table::new("refusals"));
        let key = Key::new("pk", seat.to_string());
        let taken = self.tables.get(&seats, &key).await.map_err(Failure::transient)?;
        Ok(Commit::of(match taken {
            None => onecommit_engine::Write::from(
                seats
                    .put(key, [("by".to_owned(), Value::from(by.as_str()))])
                    .only_if_absent(),
            ),
            Some(_) => refusals.update(Key::new("pk", by.as_str())).add("times", 1).into(),
        }))
    }
}

impl Scenario for Seats {
    fn name(&self) -> &str {
        "seats, sharing transactions"
    }

    fn set_up(&self, world: &mut World) {
        world.queue(QUEUE, QueueSettings::default());
        let host = Host {
            instances: 2,
            batch: 4,
            ..Host::default()
        };
        world.consumer("seats", QUEUE, host, |process| {
            let tables = process.tables();
            Consumer::named("seats").atomic(Assign { tables })
        });
        for (seat, by) in [(1, "ada"), (1, "bob"), (2, "cyd"), (3, "dan"), (3, "eve")] {
            let wanted = SeatWanted {
                seat,
                by: by.to_owned(),
            };
            let event = world.event("Seat", &format!("{seat}-{by}"), wanted);
            world.send(QUEUE, &event);
        }
    }

    fn judge(&self, world: &World) -> Result<(), String> {
        let tables = world.tables().dump();
        let text = |item: &onecommit_engine::Item, name: &str| {
            item.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let rows = |table: &str| tables.get(table).into_iter().flatten();
        let mut told: Vec<String> = rows("seats").map(|row| text(row, "by")).collect();
        expect("seats given", &3, &told.len())?;
        for refusal in rows("refusals") {
            expect("refusals told to one", &1, &super::number(Some(refusal), "times"))?;
            told.push(text(refusal, "pk"));
        }
        told.sort();
        expect(
            "who was told",
            &["ada", "bob", "cyd", "dan", "eve"].map(str::to_owned).to_vec(),
            &told,
        )?;
        nothing_lost(world, QUEUE)
    }
}
