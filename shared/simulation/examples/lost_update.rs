//! A handler that looks right, passes its tests, and loses money: `cargo run --package onecommit-testing --example lost_update`.
//!
//! It reads a balance, adds to it and writes it. The engine lands that write together with the record that the message was
//! handled, so no message is handled twice - but two messages of one account may be handled at the same time. The
//! exploration finds that, and prints the simplest schedule that shows it. `--right` runs the handler with the condition
//! that was missing.

use std::sync::Arc;

use onecommit_engine::{Atomic, Commit, Condition, Consumer, Failure, Key, Table, TableReader, Value};
use onecommit_event::{Event, Payload};
use onecommit_simulation::{Bounds, SimulatedTables, explore};
use onecommit_testing::an_event;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Deposited {
    amount: i64,
}

impl Payload for Deposited {
    const EVENT_TYPE: &'static str = "Deposited";
}

struct AddToBalance {
    tables: Arc<SimulatedTables>,
    is_right: bool,
}

impl Atomic<Deposited> for AddToBalance {
    async fn handle(&self, event: Event<Deposited>) -> Result<Commit, Failure> {
        let accounts = Table::new("accounts");
        let account = Key::new("pk", event.aggregate().id());
        let row = self.tables.get(&accounts, &account).await.map_err(Failure::transient)?;
        let balance = row.as_ref().and_then(|row| row.get("balance")).and_then(Value::as_i64);
        let write = accounts
            .update(account)
            .set("balance", balance.unwrap_or(0) + event.payload().amount);
        Ok(Commit::of(match balance {
            _ if !self.is_right => write,
            Some(balance) => write.only_if(Condition::equals("balance", balance)),
            None => write.only_if(Condition::absent("balance")),
        }))
    }
}

#[allow(clippy::print_stdout, reason = "this is a program for people")]
fn main() {
    let is_right = std::env::args().any(|argument| argument == "--right");
    let deposits = [7, 5].map(|amount| an_event("Account", "acc-1", Deposited { amount }));
    let found = explore(move |process| {
        let tables = process.tables();
        Consumer::named("accounts").atomic(AddToBalance { tables, is_right })
    })
    .with_events(deposits)
    .exhaustively(Bounds { faults: 1, disorder: 2 }, 20_000)
    .run();
    match found {
        Ok(explored) => println!("the promise holds: {explored}"),
        Err(broken) => println!("{broken}"),
    }
}
