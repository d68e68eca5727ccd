//! What an exploration finds in handlers that are wrong in plausible ways, and that it finds nothing in those that are
//! right.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use onecommit_engine::{
    Atomic, Backoff, Commit, Condition, Consumer, Failure, IdempotencyKeys, Item, Key, Keyed, Settings, Table,
    TableReader, Value,
};
use onecommit_environment::{Clock, Environment, SystemClock};
use onecommit_event::{Event, Payload};
use onecommit_simulation::{Bounds, Exploration, FaultRates, Liveness, Outside, Process, SimulatedTables, explore};
use onecommit_testing::an_event;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Deposited {
    amount: i64,
}

impl Payload for Deposited {
    const EVENT_TYPE: &'static str = "Deposited";
}

fn deposits() -> [Event; 2] {
    [7, 5].map(|amount| an_event("Account", "acc_1", Deposited { amount }))
}

fn accounts() -> Table {
    Table::new("accounts")
}

fn account() -> Key {
    Key::new("pk", "acc_1")
}

fn balance_in(row: Option<&Item>) -> i64 {
    row.and_then(|row| row.get("balance"))
        .and_then(Value::as_i64)
        .unwrap_or(0)
}

/// Adds in the database, which is right.
async fn adds(event: Event<Deposited>) -> Result<Commit, Failure> {
    Ok(Commit::of(
        accounts().update(account()).add("balance", event.payload().amount),
    ))
}

/// Reads, adds, writes.
struct ReadsThenWrites {
    tables: Arc<SimulatedTables>,
    /// Whether the write is conditional on what was read.
    is_careful: bool,
}

impl Atomic<Deposited> for ReadsThenWrites {
    async fn handle(&self, event: Event<Deposited>) -> Result<Commit, Failure> {
        let row = self
            .tables
            .get(&accounts(), &account())
            .await
            .map_err(Failure::transient)?;
        let before = balance_in(row.as_ref());
        let write = accounts()
            .update(account())
            .set("balance", before + event.payload().amount);
        let expected = match row {
            Some(_) => Condition::equals("balance", before),
            None => Condition::absent("balance"),
        };
        Ok(Commit::of(if self.is_careful {
            write.only_if(expected)
        } else {
            write
        }))
    }
}

fn read_then_write(is_careful: bool) -> Exploration {
    explore(move |process| {
        let tables = process.tables();
        Consumer::named("accounts").atomic(ReadsThenWrites { tables, is_careful })
    })
    .with_events(deposits())
}

#[test]
fn a_handler_that_adds_in_the_database_holds_under_every_schedule() {
    let explored = explore(|_| Consumer::named("accounts").atomic(adds))
        .with_events(deposits())
        .run()
        .unwrap();
    assert!(explored.schedules > 1_000 && explored.faults.len() > 8, "{explored:?}");
}

/// Right in the end, and far too late.
fn waits_for_a_day() -> Exploration {
    let day = Duration::from_secs(24 * 3600);
    let late = Settings::default()
        .redelivery_backoff(Backoff {
            first: day,
            longest: day,
        })
        .deliveries_max(40);
    let is_careful = true;
    explore(move |process| {
        let tables = process.tables();
        Consumer::named("accounts")
            .atomic(ReadsThenWrites { tables, is_careful })
            .with(late.clone())
    })
    .with_events(deposits())
    .exhaustively(Bounds { faults: 1, disorder: 0 }, 1_000)
    .randomly(0..100, FaultRates::default())
}

#[test]
fn a_wait_without_limit_breaks_liveness_only() {
    assert!(waits_for_a_day().settling(0, Liveness::default()).run().is_ok());
    let broken = waits_for_a_day().run().unwrap_err();
    assert!(broken.is_of_liveness, "{broken}");
    assert!(broken.what.contains("faults have stopped"), "{broken}");
    let again = waits_for_a_day().replay_settling(broken.schedule.clone());
    assert!(again.unwrap_err().what.contains("faults have stopped"));
}

#[test]
fn a_handler_whose_write_rests_on_an_unconditional_read_loses_an_update() {
    let broken = read_then_write(false).run().unwrap_err();
    assert!(
        broken.what.contains("as if each event had been handled once"),
        "{broken}"
    );
    assert!(broken.schedule.departures() <= 3, "{broken}");
    let again = read_then_write(false).replay(broken.schedule.clone());
    assert_eq!(again.unwrap_err().what, broken.what);
}

#[test]
fn the_same_handler_with_a_condition_holds() {
    read_then_write(true).holds();
}
/// What goes wrong outside of the tables.
#[derive(Clone, Copy)]
enum Mails {
    /// Sends from an atomic handler, whose engine cannot know.
    Blindly,
    /// Sends with an idempotency key.
    Keyed,
}

struct SendsMail {
    post: Outside,
    how: Mails,
}

impl Keyed<Deposited> for SendsMail {
    async fn handle(&self, event: Event<Deposited>, calls: IdempotencyKeys) -> Result<Commit, Failure> {
        let text = format!("{} came in", event.payload().amount);
        let sent = match self.how {
            Mails::Blindly => self.post.call(text).await,
            Mails::Keyed => self.post.call_once(text, &calls.key("mail")).await,
        };
        sent.map_err(Failure::transient)?;
        Ok(Commit::nothing())
    }
}

fn mail(how: Mails) -> Exploration {
    explore(move |process| {
        let post = process.outside("post");
        Consumer::named("mail").keyed(SendsMail { post, how })
    })
    .with_events(deposits())
}

#[test]
fn mail_sent_without_an_idempotency_key_is_sent_twice_under_some_schedule() {
    let broken = mail(Mails::Blindly).run().unwrap_err();
    assert_eq!(
        broken.what.matches("outside: post 7 came in").count(),
        3,
        "twice, and once as expected: {broken}"
    );
    assert_eq!(broken.schedule.departures(), 1, "{broken}");
}

#[test]
fn mail_sent_with_an_idempotency_key_holds() {
    mail(Mails::Keyed).holds();
}

/// A handler that does `misdeed` before it does what it should.
fn misbehaving<F, Fut>(misdeed: F) -> String
where
    F: Fn() -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = i64> + Send,
{
    let consumer = move |_: &Process| {
        let misdeed = misdeed.clone();
        Consumer::named("accounts").atomic(move |event: Event<Deposited>| {
            let misdeed = misdeed.clone();
            async move {
                let more = misdeed().await;
                Ok(Commit::of(
                    accounts()
                        .update(account())
                        .add("balance", event.payload().amount)
                        .set("more", more),
                ))
            }
        })
    };
    explore(consumer).with_events(deposits()).run().unwrap_err().what
}

#[test]
fn a_handler_that_uses_the_real_clock_is_named() {
    let what = misbehaving(|| async { Environment::system().clock().now().unix_ms() });
    assert!(what.contains("consumer/1") && what.contains("real clock"), "{what}");
}

#[test]
fn a_handler_that_draws_real_random_numbers_is_named() {
    let what = misbehaving(|| async { i64::try_from(Environment::system().random().up_to(1 << 40)).unwrap() });
    assert!(
        what.contains("consumer/1") && what.contains("not deterministic"),
        "{what}"
    );
}

#[test]
fn a_handler_that_sleeps_on_a_real_timer_is_named() {
    let what = misbehaving(|| async {
        SystemClock.sleep(Duration::from_millis(1)).await;
        0
    });
    assert!(what.contains("accounts") && what.contains("real clock"), "{what}");
}

#[test]
fn a_handler_that_waits_for_another_thread_is_named() {
    let what = misbehaving(|| async {
        futures_util::future::pending::<()>().await;
        0
    });
    assert!(
        what.contains("accounts") && what.contains("outside of the simulation"),
        "{what}"
    );
}

#[test]
#[allow(clippy::disallowed_methods, reason = "it is what the test is about")]
fn a_handler_that_blocks_its_thread_is_named() {
    let what = misbehaving(|| async {
        std::thread::sleep(Duration::from_millis(600));
        0
    });
    assert!(
        what.contains("consumer/1") && what.contains("blocks its thread"),
        "{what}"
    );
}

#[test]
fn a_handler_that_panics_is_named() {
    let what = misbehaving(|| async { panic!("no such account") });
    assert!(what.contains("accounts") && what.contains("no such account"), "{what}");
}
