//! Does a test notice? `cargo run --package onecommit-testing --example noticed`.
//!
//! A handler is right, and its exploration holds. Then the same exploration runs with deliberate bugs between the handler
//! and the tables, one after the other, and says which of them it notices. The last one is not noticed with the events
//! that come here: it takes two of one account, and with them it is.

use std::sync::Arc;

use onecommit_engine::{Atomic, Commit, Condition, Consumer, Failure, Key, Table, TableReader, Value, Write};
use onecommit_event::{Event, Payload};
use onecommit_simulation::{Bounds, Exploration, Sabotage, SimulatedTables, explore};
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
}

impl Atomic<Deposited> for AddToBalance {
    async fn handle(&self, event: Event<Deposited>) -> Result<Commit, Failure> {
        let accounts = Table::new("accounts");
        let account = Key::new("pk", event.aggregate().id());
        let row = self.tables.get(&accounts, &account).await?;
        let balance = row.as_ref().and_then(|row| row.get("balance")).and_then(Value::as_i64);
        let write = accounts
            .update(account)
            .set("balance", balance.unwrap_or(0) + event.payload().amount);
        let is_as_read = match balance {
            Some(balance) => Condition::equals("balance", balance),
            None => Condition::absent("balance"),
        };
        Ok(Commit::of(write.only_if(is_as_read)))
    }
}

/// Deposits to these accounts.
fn deposits(accounts: [&str; 2]) -> Exploration {
    explore(|process| {
        let tables = process.tables();
        Consumer::named("accounts").atomic(AddToBalance { tables })
    })
    .with_events(accounts.map(|account| an_event("Account", account, Deposited { amount: 7 })))
    .exhaustively(Bounds { faults: 1, disorder: 2 }, 20_000)
}

/// The record that a message was handled replaces the one that is there.
struct LedgerOverwritten;

impl Sabotage for LedgerOverwritten {
    fn alter(&self, write: Write) -> Write {
        match write {
            Write::Put(put) => {
                let write = Write::from(put.clone());
                write.table().put(write.key().clone(), put.item().clone()).into()
            }
            other => other,
        }
    }
}

/// The handler's condition is missing, as it might be in its code.
struct BalanceOverwritten;

impl Sabotage for BalanceOverwritten {
    fn alter(&self, write: Write) -> Write {
        let Write::Update(update) = &write else { return write };
        let blind = write.table().update(write.key().clone());
        let changes = update.changes().iter().cloned();
        let blind = changes.fold(blind, |update, change| match change {
            onecommit_engine::Change::Set(name, value) => update.set(name, value),
            _ => update,
        });
        blind.into()
    }
}

#[allow(clippy::print_stdout, reason = "this is a program for people")]
fn main() {
    let say = |what: &str, is_noticed: bool| {
        let outcome = if is_noticed {
            "the test fails"
        } else {
            "the test passes"
        };
        println!("{what}: {outcome}");
    };
    let apart = ["acc-1", "acc-2"];
    say("no bug", deposits(apart).run().is_err());
    let ledger = deposits(apart).sabotaged_by(|_| Arc::new(LedgerOverwritten));
    say("the ledger is overwritten", ledger.run().is_err());
    for accounts in [apart, ["acc-1", "acc-1"]] {
        let balance = deposits(accounts).sabotaged_by(|_| Arc::new(BalanceOverwritten));
        say(
            &format!("the balance is overwritten, deposits to {}", accounts.join(" and ")),
            balance.run().is_err(),
        );
    }
}
