//! What the engine does when something else is in trouble, and when messages are odd.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use onecommit_engine::{
    CallError, Cancellation, Commit, Condition, Consumer, DatabaseError, Deadline, Delivery, Engine, Failure, Guarded,
    Key, Ledger, ParkReason, ParkedMessage, Queue, QueueError, RetryReason, RowUpdate, SequencedUpdate, Settings,
    Settlement, Table, TableWriter, TransientKind, Verdict, Write,
};
use onecommit_environment::{Environment, SeededRandom, Timestamp};
use onecommit_event::claim_check::{ClaimCheck, PayloadStore, StoreError};
use onecommit_event::{Event, Metadata, Payload};
use onecommit_testing::{MemoryDatabase, TestConsumer, VirtualClock, an_event, delivery_of};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What the handler does with it stands in the message.
#[derive(Clone, Serialize, Deserialize)]
struct Deposited {
    amount: i64,
}

impl Payload for Deposited {
    const EVENT_TYPE: &'static str = "Deposited";
}

const HANGS: i64 = -1;
const FAILS: i64 = -2;
const UNAVAILABLE: i64 = -3;
const FAILS_BY_DATABASE: i64 = -4;
const REJECTED: i64 = -5;

fn accounts() -> Table {
    Table::new("accounts")
}

/// An error of somebody's own, around one of the database.
#[derive(Debug)]
struct NotRead(DatabaseError);

impl fmt::Display for NotRead {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the account could not be read")
    }
}

impl Error for NotRead {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

fn unreachable_database() -> DatabaseError {
    DatabaseError::Transient(TransientKind::Unavailable, "connection reset".into())
}

/// An amount over 1,000 takes as many milliseconds.
async fn deposited(event: Event<Deposited>) -> Result<Commit, Failure> {
    let amount = event.payload().amount;
    match amount {
        HANGS => std::future::pending().await,
        FAILS => Err(std::io::Error::other("disk on fire"))?,
        UNAVAILABLE => return Err(Failure::unavailable("the bank does not answer")),
        FAILS_BY_DATABASE => Err(NotRead(unreachable_database()))?,
        REJECTED => return Err(Failure::reject("no such account")),
        1_000.. => tokio::time::sleep(Duration::from_millis(amount.unsigned_abs())).await,
        _ => {}
    }
    let row = Key::new("pk", event.aggregate().id());
    Ok(Commit::of(accounts().update(row).add("balance", amount)))
}

fn deposit(account: &str, amount: i64) -> Event {
    an_event("Account", account, Deposited { amount })
}

fn virtual_time() -> Environment {
    let clock = VirtualClock::showing(Environment::system().clock().now());
    Environment::new(Arc::new(clock), Arc::new(SeededRandom::new(1)))
}

fn consumer() -> Consumer {
    Consumer::named("balances").atomic(deposited)
}

fn kit() -> TestConsumer {
    kit_with(Settings::default())
}

fn kit_with(settings: Settings) -> TestConsumer {
    TestConsumer::on(Arc::default(), consumer().with(settings), virtual_time())
}

fn balance(kit: &TestConsumer, account: &str) -> Option<i64> {
    kit.row("accounts", &[account]).and_then(|row| row["balance"].as_i64())
}

fn delivered(id: &str, event: &Event) -> Delivery {
    delivery_of(id, event.to_json())
}

fn delivered_times(count: u32, id: &str, event: &Event) -> Delivery {
    Delivery {
        receive_count: count,
        ..delivered(id, event)
    }
}

fn in_group(group: &str, delivery: Delivery) -> Delivery {
    Delivery {
        group: Some(group.to_owned()),
        ..delivery
    }
}

fn changed(event: &Event, pointer: &str, value: Value) -> String {
    let mut json: Value = serde_json::from_str(&event.to_json()).unwrap();
    *json.pointer_mut(pointer).unwrap() = value;
    json.to_string()
}

async fn one(kit: &TestConsumer, delivery: Delivery) -> Verdict {
    kit.receive_deliveries(&[delivery]).await.0.remove(0)
}

async fn within(seconds: u64, kit: &TestConsumer, deliveries: &[Delivery]) -> Vec<Verdict> {
    let clock = kit.engine().environment().clock();
    let deadline = Deadline::after(Duration::from_secs(seconds), clock);
    let verdicts = kit.engine().handle(deliveries, deadline).await;
    assert!(
        deadline.remaining(clock) > Duration::ZERO,
        "the invocation ended before"
    );
    verdicts
}

fn retried_as(verdict: &Verdict) -> Option<RetryReason> {
    match verdict {
        Verdict::Retry { reason, .. } => Some(*reason),
        _ => None,
    }
}

fn parked_as(verdict: &Verdict) -> Option<ParkReason> {
    match verdict {
        Verdict::Park { reason, .. } => Some(*reason),
        _ => None,
    }
}

fn break_down(kit: &TestConsumer, requests: usize) {
    (0..requests).for_each(|_| kit.database().fail_next(unreachable_database()));
}

// ------------------------------------------------------------ the time of an invocation

fn ten_healthy(first: usize) -> Vec<Delivery> {
    (first..first + 10)
        .map(|number| delivered(&number.to_string(), &deposit(&number.to_string(), 1)))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn what_hung_is_not_the_time_that_is_needed() {
    let kit = kit();
    for round in 0..5 {
        let hanging = delivered(&format!("hangs-{round}"), &deposit("a", HANGS));
        let verdicts = within(30, &kit, &[hanging]).await;
        assert_eq!(retried_as(&verdicts[0]), Some(RetryReason::HandlerTimedOut));
        let verdicts = within(30, &kit, &ten_healthy(round * 10)).await;
        assert_eq!(verdicts, vec![Verdict::Done; 10]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_message_claims_half_of_an_invocation_at_most() {
    let one_at_a_time = Settings::default().concurrency(1);
    let kit = kit_with(one_at_a_time);
    let slow = delivered("slow", &deposit("a", 40_000));
    assert_eq!(within(90, &kit, &[slow]).await, [Verdict::Done]);
    assert_eq!(within(30, &kit, &ten_healthy(0)).await, vec![Verdict::Done; 10]);
}

#[tokio::test(start_paused = true)]
async fn an_invocation_always_starts_one_message() {
    let kit = kit_with(Settings::default().concurrency(1));
    for number in 0..3 {
        let slow = delivered(&number.to_string(), &deposit("a", 20_000));
        assert_eq!(within(30, &kit, &[slow]).await, [Verdict::Done]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_hangs_leaves_time_to_commit() {
    let kit = kit();
    let clock = kit.engine().environment().clock();
    let deadline = Deadline::after(Duration::from_secs(30), clock);
    let batch = [
        delivered("1", &deposit("a", HANGS)),
        delivered("2", &deposit("b", 21_000)),
    ];
    let verdicts = kit.engine().handle(&batch, deadline).await;
    assert_eq!(retried_as(&verdicts[0]), Some(RetryReason::HandlerTimedOut));
    assert_eq!(verdicts[1], Verdict::Done);
    assert!(deadline.remaining(clock) > Duration::from_secs(7));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_was_started_late_is_not_to_blame() {
    let kit = kit_with(Settings::default().concurrency(1).deliveries_max(1));
    let batch = [
        delivered("1", &deposit("a", 12_000)),
        delivered("2", &deposit("b", HANGS)),
    ];
    let verdicts = within(30, &kit, &batch).await;
    assert_eq!(retried_as(&verdicts[1]), Some(RetryReason::CutShort));
    let verdicts = within(30, &kit, &batch[1..]).await;
    assert_eq!(parked_as(&verdicts[0]), Some(ParkReason::HandlerTimedOut));
}

// ------------------------------------------------------------ whose fault it is

#[tokio::test(start_paused = true)]
async fn an_outage_never_parks_however_often_a_message_is_delivered() {
    let kit = kit();
    let event = deposit("a", 5);
    break_down(&kit, 10_000);
    for count in [1, 2, 5, 6, 20, 999] {
        let verdict = one(&kit, delivered_times(count, "m", &event)).await;
        assert_eq!(retried_as(&verdict), Some(RetryReason::DatabaseUnavailable));
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_depends_on_does_not_count() {
    for amount in [UNAVAILABLE, FAILS_BY_DATABASE] {
        let kit = kit_with(Settings::default().deliveries_max(1));
        let verdict = one(&kit, delivered("m", &deposit("a", amount))).await;
        assert_eq!(retried_as(&verdict), Some(RetryReason::Unavailable));
        assert_eq!(kit.database().requests(), 0, "and nothing is counted");
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_table_parks_nothing() {
    let database = Arc::new(MemoryDatabase::default().without_table("accounts"));
    let settings = Settings::default().deliveries_max(1);
    let kit = TestConsumer::on(database, consumer().with(settings), virtual_time());
    let verdict = one(&kit, delivered("m", &deposit("a", 5))).await;
    assert_eq!(retried_as(&verdict), Some(RetryReason::DatabaseUnavailable));
}

#[tokio::test(start_paused = true)]
async fn own_failures_are_counted_over_all_processes() {
    let database = Arc::new(MemoryDatabase::default());
    let environment = virtual_time();
    let process = || TestConsumer::on(database.clone(), consumer(), environment.clone());
    let event = deposit("a", FAILS);
    for failures in 1..=4 {
        let verdict = one(&process(), delivered_times(900, "m", &event)).await;
        assert_eq!(retried_as(&verdict), Some(RetryReason::HandlerFailed), "{failures}");
        let broken = process();
        break_down(&broken, 10);
        let verdict = one(&broken, delivered("other", &deposit("b", 1))).await;
        assert_eq!(retried_as(&verdict), Some(RetryReason::DatabaseUnavailable));
        break_up(&database).await;
    }
    let verdict = one(&process(), delivered("m", &event)).await;
    assert_eq!(parked_as(&verdict), Some(ParkReason::HandlerFailed));
    let counted = database.row("ledger", &["balances#m#failures"]).unwrap();
    assert_eq!(counted["failures"].as_i64(), Some(4));
    assert!(counted["ttl"].as_i64().is_some());
}

/// Uses up what is left of the faults.
async fn break_up(database: &MemoryDatabase) {
    let write = Write::from(Table::new("other").update(Key::new("pk", "x")).set("x", 1));
    while database.write(&write).await.is_err() {}
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_cannot_be_counted_costs_a_delivery() {
    let kit = kit_with(Settings::default().deliveries_max(2));
    let event = deposit("a", FAILS);
    for _ in 0..5 {
        break_down(&kit, 1);
        let verdict = one(&kit, delivered("m", &event)).await;
        assert_eq!(retried_as(&verdict), Some(RetryReason::HandlerFailed));
    }
}

#[tokio::test(start_paused = true)]
async fn a_race_that_is_lost_each_time_is_not_a_failure() {
    let database = Arc::new(MemoryDatabase::default());
    let others = database.clone();
    let handler = move |event: Event<Deposited>| {
        let others = others.clone();
        async move {
            let key = Key::new("pk", event.aggregate().id());
            let seen = others.row("accounts", &["a"]).and_then(|row| row["version"].as_i64());
            // Others are quicker.
            others
                .write(&accounts().update(key.clone()).add("version", 1).into())
                .await?;
            let unchanged = match seen {
                Some(seen) => Condition::equals("version", seen),
                None => Condition::absent("version"),
            };
            Ok(Commit::of(accounts().update(key).set("x", 1).only_if(unchanged)))
        }
    };
    let settings = Settings::default().deliveries_max(1);
    let consumer = Consumer::named("balances").atomic(handler).with(settings);
    let kit = TestConsumer::on(database, consumer, virtual_time());
    let verdict = one(&kit, delivered("m", &deposit("a", 1))).await;
    assert_eq!(retried_as(&verdict), Some(RetryReason::RaceLost));
}

#[tokio::test(start_paused = true)]
async fn a_condition_that_cannot_hold_is_a_failure() {
    async fn never_holds(event: Event<Deposited>) -> Result<Commit, Failure> {
        let update = accounts().update(Key::new("pk", event.aggregate().id())).set("x", 1);
        Ok(Commit::of(update.only_if(Condition::exists("x"))))
    }
    let settings = Settings::default().deliveries_max(1);
    let consumer = Consumer::named("balances").atomic(never_holds).with(settings);
    let kit = TestConsumer::on(Arc::default(), consumer, virtual_time());
    let verdict = one(&kit, delivered("m", &deposit("a", 1))).await;
    assert_eq!(parked_as(&verdict), Some(ParkReason::ConditionFailed));
}

// ------------------------------------------------------------ requests in an outage

#[tokio::test(start_paused = true)]
async fn one_attempt_takes_five_requests_at_most() {
    let conflict = || {
        let conflict = Cancellation::Transient(TransientKind::Conflict);
        DatabaseError::Cancelled(vec![Cancellation::None, conflict.clone(), Cancellation::None, conflict])
    };
    for error in [unreachable_database as fn() -> DatabaseError, conflict] {
        let kit = kit();
        (0..100).for_each(|_| kit.database().fail_next(error()));
        let verdict = one(&kit, delivered("m", &deposit("a", 1))).await;
        assert!(retried_as(&verdict).is_some(), "{verdict:?}");
        assert_eq!(kit.database().requests(), 5);
    }
}

#[tokio::test(start_paused = true)]
async fn commits_that_share_a_transaction_share_its_requests() {
    let kit = kit();
    break_down(&kit, 1_000);
    let verdicts = kit.receive_deliveries(&ten_healthy(0)).await.0;
    let reasons: Vec<_> = verdicts.iter().map(retried_as).collect();
    assert_eq!(reasons, vec![Some(RetryReason::DatabaseUnavailable); 10]);
    assert_eq!(kit.database().requests(), 5);
}

#[tokio::test(start_paused = true)]
async fn in_an_outage_one_of_those_that_wait_asks() {
    let kit = kit();
    break_down(&kit, 10_000);
    for number in 0..2 {
        one(&kit, delivered(&number.to_string(), &deposit("a", 1))).await;
    }
    let waiting = |batch: u32| -> Vec<Delivery> {
        let one = |number| delivered_times(7, &format!("{batch}-{number}"), &deposit("a", 1));
        (0..50).map(one).collect()
    };
    let before = kit.database().requests();
    kit.receive_deliveries(&waiting(0)).await;
    assert_eq!(kit.database().requests(), before, "it has just been tried");
    tokio::time::sleep(Duration::from_secs(60)).await;
    kit.receive_deliveries(&waiting(1)).await;
    assert_eq!(kit.database().requests(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn in_an_outage_a_new_message_asks_once() {
    let kit = kit();
    break_down(&kit, 10_000);
    for number in 0..2 {
        one(&kit, delivered(&number.to_string(), &deposit("a", 1))).await;
    }
    let before = kit.database().requests();
    for number in 0..10 {
        one(&kit, delivered(&format!("new-{number}"), &deposit("a", 1))).await;
    }
    assert_eq!(kit.database().requests(), before + 10);
}

#[tokio::test(start_paused = true)]
async fn after_an_outage_all_follow_the_first_that_succeeds() {
    let kit = kit();
    break_down(&kit, 6);
    for number in 0..2 {
        one(&kit, delivered(&number.to_string(), &deposit("a", 1))).await;
    }
    break_up(kit.database()).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let waiting: Vec<Delivery> = (0..50)
        .map(|number| delivered_times(7, &number.to_string(), &deposit("a", 1)))
        .collect();
    assert_eq!(kit.receive_deliveries(&waiting).await.0, vec![Verdict::Done; 50]);
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_one_handler_is_not_one_of_others() {
    #[derive(Serialize, Deserialize)]
    struct Withdrawn {}
    impl Payload for Withdrawn {
        const EVENT_TYPE: &'static str = "Withdrawn";
    }
    async fn withdrawn(_: Event<Withdrawn>) -> Result<Commit, Failure> {
        Ok(Commit::nothing())
    }
    let kit = TestConsumer::on(Arc::default(), consumer().atomic(withdrawn), virtual_time());
    for number in 0..5 {
        one(&kit, delivered(&number.to_string(), &deposit("a", UNAVAILABLE))).await;
    }
    let event = an_event("Account", "a", Withdrawn {});
    assert_eq!(one(&kit, delivered_times(9, "m", &event)).await, Verdict::Done);
}

// ------------------------------------------------------------ nothing is awaited without a limit

struct NeverPlanned;

impl Guarded<Deposited> for NeverPlanned {
    type Answer = ();

    async fn call(&self, _: &Event<Deposited>) -> Result<(), CallError> {
        Ok(())
    }

    async fn commit(&self, _: &Event<Deposited>, (): &()) -> Result<Commit, Failure> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn the_commit_after_a_guarded_call_has_a_limit() {
    let consumer = Consumer::named("transfers").guarded(NeverPlanned);
    let kit = TestConsumer::on(Arc::default(), consumer, virtual_time());
    let verdicts = within(30, &kit, &[delivered("m", &deposit("a", 1))]).await;
    assert_eq!(retried_as(&verdicts[0]), Some(RetryReason::HandlerTimedOut));
    let row = kit.row("ledger", &[&format!("transfers#{}", event_id(&kit))]);
    assert_eq!(
        row.and_then(|row| row["leaseUntil"].as_i64()),
        Some(0),
        "the lease was ended"
    );
}

/// Of the only row in the ledger that is not a count.
fn event_id(kit: &TestConsumer) -> String {
    let rows = kit.database().dump().remove("ledger").unwrap_or_default();
    let keys = rows.iter().filter_map(|row| row["pk"].as_str().map(str::to_owned));
    let key = keys.into_iter().find(|key| !key.ends_with("#failures")).unwrap();
    key.trim_start_matches("transfers#").to_owned()
}

/// A store of payloads that can hang.
#[derive(Default)]
struct Shelf {
    payloads: std::sync::Mutex<std::collections::HashMap<String, String>>,
    hangs: AtomicBool,
    most_at_once: AtomicU32,
    at_once: AtomicU32,
}

#[async_trait::async_trait]
impl PayloadStore for Shelf {
    fn name(&self) -> &str {
        "shelf"
    }
    async fn put(&self, key: &str, payload: &str) -> Result<(), StoreError> {
        let mut payloads = self.payloads.lock().unwrap();
        payloads.entry(key.to_owned()).or_insert_with(|| payload.to_owned());
        Ok(())
    }
    async fn get(&self, key: &str, _: u64) -> Result<String, StoreError> {
        if self.hangs.load(Ordering::SeqCst) {
            std::future::pending().await
        }
        let at_once = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(at_once, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(10)).await;
        self.at_once.fetch_sub(1, Ordering::SeqCst);
        Ok(self.payloads.lock().unwrap()[key].clone())
    }
}

#[tokio::test(start_paused = true)]
async fn payloads_that_do_not_come_have_a_limit() {
    let shelf = Arc::new(Shelf::default());
    let light = ClaimCheck::leave(&deposit("a", 1), &*shelf).await.unwrap();
    shelf.hangs.store(true, Ordering::SeqCst);
    let kit = kit().with_claim_checks(shelf);
    let batch = [delivered("large", &light), delivered("small", &deposit("b", 1))];
    let verdicts = within(30, &kit, &batch).await;
    assert_eq!(retried_as(&verdicts[0]), Some(RetryReason::PayloadUnavailable));
    assert_eq!(verdicts[1], Verdict::Done);
}

async fn two_of_sixteen_bytes(shelf: &Shelf, first: i64) -> [Delivery; 2] {
    let (one, other) = (deposit("a", first), deposit("b", 12_345));
    let one = ClaimCheck::leave(&one, shelf).await.unwrap();
    let other = ClaimCheck::leave(&other, shelf).await.unwrap();
    [delivered("1", &one), delivered("2", &other)]
}

#[tokio::test(start_paused = true)]
async fn payloads_are_claimed_as_far_as_there_is_memory() {
    let shelf = Arc::new(Shelf::default());
    let settings = Settings::default().claimed_bytes_max(20);
    let batch = two_of_sixteen_bytes(&shelf, 1).await;
    let kit = kit_with(settings).with_claim_checks(shelf.clone());
    assert_eq!(kit.receive_deliveries(&batch).await.0, vec![Verdict::Done; 2]);
    assert_eq!(shelf.most_at_once.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_payload_without_room_is_redelivered_alone() {
    let shelf = Arc::new(Shelf::default());
    let settings = Settings::default().claimed_bytes_max(20).deliveries_max(1);
    let batch = two_of_sixteen_bytes(&shelf, HANGS).await;
    let kit = kit_with(settings).with_claim_checks(shelf);
    let verdicts = within(30, &kit, &batch).await;
    assert_eq!(parked_as(&verdicts[0]), Some(ParkReason::HandlerTimedOut));
    assert_eq!(retried_as(&verdicts[1]), Some(RetryReason::PayloadTooLargeForNow));
}

/// A queue that answers nothing.
struct Silent;

#[async_trait::async_trait]
impl Queue for Silent {
    async fn park(&self, _: &[ParkedMessage<'_>]) -> Vec<Result<(), QueueError>> {
        std::future::pending().await
    }
    async fn delay(&self, _: &[(&Delivery, Duration)]) -> Vec<Result<(), QueueError>> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn settling_has_a_limit() {
    let kit = kit();
    let clock = kit.engine().environment().clock();
    let deadline = Deadline::after(Duration::from_secs(30), clock);
    let batch = [
        delivery_of("malformed", "{"),
        delivered("fails", &deposit("a", FAILS)),
        delivered("right", &deposit("b", 1)),
    ];
    let verdicts = kit.engine().handle(&batch, deadline).await;
    let settlement = Settlement::carry_out(kit.engine(), &Silent, &batch, &verdicts, deadline).await;
    assert_eq!((settlement.finished, settlement.failed), (vec![2], vec![0, 1]));
    assert!(deadline.remaining(clock) > Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_worker_waits_for_a_database_with_a_limit() {
    struct SilentDatabase;
    #[async_trait::async_trait]
    impl TableWriter for SilentDatabase {
        async fn transact(&self, _: &onecommit_engine::Transaction) -> Result<(), DatabaseError> {
            std::future::pending().await
        }
        async fn write(&self, _: &Write) -> Result<(), DatabaseError> {
            std::future::pending().await
        }
    }
    let ledger = Ledger::new(Table::new("ledger"));
    let engine = Engine::new(consumer(), Arc::new(SilentDatabase), ledger, virtual_time());
    let batch = [delivered("m", &deposit("a", 1))];
    let verdicts = engine.handle(&batch, Deadline::none()).await;
    assert_eq!(retried_as(&verdicts[0]), Some(RetryReason::DatabaseUnavailable));
}

// ------------------------------------------------------------ messages with one id

#[tokio::test(start_paused = true)]
async fn an_invalid_message_does_not_decide_about_another_with_its_id() {
    let event = deposit("a", 5);
    let invalid = changed(&event, "/payload", json!({"amount": "much"}));
    for spoilt in [
        invalid.clone(),
        changed(&event, "/payload/amount", json!(FAILS)),
        changed(&event, "/payload/amount", json!(REJECTED)),
    ] {
        let kit = kit();
        let batch = [delivery_of("1", spoilt), delivered("2", &event)];
        let verdicts = kit.receive_deliveries(&batch).await.0;
        assert!(
            matches!(verdicts[0], Verdict::Park { .. } | Verdict::Retry { .. }),
            "{:?}",
            verdicts[0]
        );
        assert_eq!(verdicts[1], Verdict::Done);
    }
    let kit = kit();
    let batch = [delivered("1", &event), delivery_of("2", invalid)];
    let verdicts = kit.receive_deliveries(&batch).await.0;
    assert_eq!(verdicts[0], Verdict::Done);
    assert_eq!(parked_as(&verdicts[1]), Some(ParkReason::ContradictsHandled));
}

#[tokio::test(start_paused = true)]
async fn copies_of_an_invalid_message_are_parked_each() {
    let kit = kit();
    let invalid = changed(&deposit("a", 5), "/payload", json!({"amount": "much"}));
    let batch = [delivery_of("1", invalid.clone()), delivery_of("2", invalid)];
    let verdicts = kit.receive_deliveries(&batch).await.0;
    let reasons: Vec<_> = verdicts.iter().map(parked_as).collect();
    assert_eq!(reasons, vec![Some(ParkReason::InvalidPayload); 2]);
}

#[tokio::test(start_paused = true)]
async fn in_a_group_the_right_message_waits_for_the_invalid_one_to_be_parked() {
    let kit = kit();
    let event = deposit("a", 5);
    let invalid = changed(&event, "/payload", json!({"amount": "much"}));
    let batch = [
        in_group("g", delivery_of("1", invalid)),
        in_group("g", delivered("2", &event)),
    ];
    let (verdicts, settlement) = kit.receive_deliveries(&batch).await;
    assert_eq!(parked_as(&verdicts[0]), Some(ParkReason::InvalidPayload));
    assert_eq!((settlement.finished, settlement.failed), (vec![0], vec![1]));
    assert_eq!(one(&kit, batch[1].clone()).await, Verdict::Done);
}

// ------------------------------------------------------------ order

#[tokio::test(start_paused = true)]
async fn nothing_overtakes_what_the_dead_letter_queue_refuses() {
    let kit = kit();
    kit.queue().refuse(|| QueueError::Transient("full".into()));
    let batch = [
        in_group("g", delivered("a", &deposit("a", REJECTED))),
        in_group("g", delivered("b", &deposit("b", 1))),
    ];
    let (_, settlement) = kit.receive_deliveries(&batch).await;
    assert_eq!(settlement.failed, [0, 1]);
    assert_eq!(balance(&kit, "b"), None);
}

#[tokio::test(start_paused = true)]
async fn a_failing_message_of_a_tenant_holds_none_of_its_others_back() {
    let kit = kit();
    let of_tenant = |id: &str, amount| Delivery {
        tenant: Some("t".to_owned()),
        ..delivered(id, &deposit(id, amount))
    };
    let batch = [of_tenant("a", FAILS), of_tenant("b", 1), of_tenant("c", 1)];
    let verdicts = kit.receive_deliveries(&batch).await.0;
    assert_eq!(retried_as(&verdicts[0]), Some(RetryReason::HandlerFailed));
    assert_eq!(verdicts[1..], [Verdict::Done, Verdict::Done]);
}

// ------------------------------------------------------------ sequences

fn with_sequence(event: Event, sequence: u64) -> Event {
    let metadata = Metadata {
        sequence: Some(sequence),
        ..event.metadata().clone()
    };
    event.with_metadata(metadata)
}

fn last_deposit(event: &Event<Deposited>) -> Result<SequencedUpdate, Failure> {
    let row = accounts().update(Key::new("pk", event.aggregate().id()));
    Ok(SequencedUpdate::last_value(row.set("last", event.payload().amount)))
}

fn total_deposits(event: &Event<Deposited>) -> Result<SequencedUpdate, Failure> {
    let row = accounts().update(Key::new("pk", event.aggregate().id()));
    Ok(SequencedUpdate::accumulating(row.add("total", event.payload().amount)))
}

fn view_of(view: fn(&Event<Deposited>) -> Result<SequencedUpdate, Failure>) -> TestConsumer {
    TestConsumer::on(Arc::default(), Consumer::named("view").sequenced(view), virtual_time())
}

#[tokio::test(start_paused = true)]
async fn a_sequence_that_far_ahead_does_not_close_a_view() {
    let kit = view_of(last_deposit);
    assert_eq!(
        kit.receive(&[&with_sequence(deposit("a", 1), 7)]).await,
        [Verdict::Done]
    );
    let huge = with_sequence(deposit("a", 2), 9_007_199_254_740_991);
    assert_eq!(
        parked_as(&kit.receive(&[&huge]).await[0]),
        Some(ParkReason::SequenceJump)
    );
    assert_eq!(
        kit.receive(&[&with_sequence(deposit("a", 3), 8)]).await,
        [Verdict::Done]
    );
    let old = kit.receive(&[&with_sequence(deposit("a", 4), 2)]).await;
    assert_eq!(old, [Verdict::Duplicate]);
}

#[tokio::test(start_paused = true)]
async fn a_view_that_a_huge_sequence_closed_says_so() {
    let kit = view_of(last_deposit);
    let huge = with_sequence(deposit("a", 1), 9_007_199_254_740_991);
    assert_eq!(kit.receive(&[&huge]).await, [Verdict::Done]);
    let verdicts = kit.receive(&[&with_sequence(deposit("a", 2), 8)]).await;
    assert_eq!(parked_as(&verdicts[0]), Some(ParkReason::SequenceJump));
}

#[tokio::test(start_paused = true)]
async fn a_view_waits_for_a_gap_by_time_and_not_by_count() {
    let kit = view_of(total_deposits);
    let early = with_sequence(deposit("a", 1), 2);
    let now = kit.engine().environment().clock().now().unix_ms();
    let hours_ago = |hours: i64| Some(Timestamp::from_unix_ms(now - hours * 3_600_000));
    let waiting = |hours| Delivery {
        first_received_at: hours_ago(hours),
        ..delivered_times(900, "m", &early)
    };
    assert_eq!(
        retried_as(&one(&kit, waiting(30)).await),
        Some(RetryReason::SequenceGap)
    );
    assert_eq!(parked_as(&one(&kit, waiting(40)).await), Some(ParkReason::SequenceGap));
}

// ------------------------------------------------------------ events older than the ledger

fn days_old(event: &Event, days: i64) -> Delivery {
    let then = Environment::system().clock().now().unix_ms() - days * 24 * 3_600_000;
    let body = changed(event, "/timestamp", json!(Timestamp::from_unix_ms(then).to_string()));
    delivery_of("m", body)
}

#[tokio::test(start_paused = true)]
async fn an_event_older_than_the_ledger_is_parked() {
    let kit = kit();
    let event = deposit("a", 1);
    assert_eq!(one(&kit, days_old(&event, 29)).await, Verdict::Done);
    for days in [30, 40, 400] {
        let verdict = one(&kit, days_old(&deposit("a", 1), days)).await;
        assert_eq!(parked_as(&verdict), Some(ParkReason::OlderThanTheLedger), "{days}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_a_little_ahead_waits_for_its_time() {
    let kit = kit();
    let ahead = |minutes: i64| {
        let then = Environment::system().clock().now().unix_ms() + minutes * 60_000;
        let timestamp = Timestamp::from_unix_ms(then).to_string();
        delivery_of("m", changed(&deposit("a", 1), "/timestamp", json!(timestamp)))
    };
    assert_eq!(one(&kit, ahead(14)).await, Verdict::Done);
    let verdict = one(&kit, ahead(20)).await;
    let Verdict::Retry { after, reason, .. } = verdict else {
        panic!("{verdict:?}");
    };
    assert_eq!(reason, RetryReason::AheadOfClock);
    // Until it is 15 min ahead.
    assert!((240..=300).contains(&after.as_secs()), "{after:?}");
    let verdict = one(&kit, ahead(31)).await;
    assert_eq!(parked_as(&verdict), Some(ParkReason::FutureTimestamp));
}

#[tokio::test(start_paused = true)]
async fn an_import_accepts_old_events() {
    let kit = TestConsumer::on(Arc::default(), consumer().accepts_old_events(), virtual_time());
    assert_eq!(one(&kit, days_old(&deposit("a", 1), 400)).await, Verdict::Done);
}

#[tokio::test(start_paused = true)]
async fn a_view_by_sequence_accepts_old_events() {
    let kit = view_of(last_deposit);
    let event = with_sequence(deposit("a", 1), 1);
    assert_eq!(one(&kit, days_old(&event, 400)).await, Verdict::Done);
}

#[tokio::test(start_paused = true)]
async fn an_event_without_a_time_is_not_too_old() {
    let kit = kit();
    let body = json!({
        "specversion": "1.0", "id": "1", "source": "shop", "type": "Deposited", "subject": "a", "data": {"amount": 5},
    });
    assert_eq!(one(&kit, delivery_of("m", body.to_string())).await, Verdict::Done);
    assert_eq!(balance(&kit, "a"), Some(5));
}

// ------------------------------------------------------------ a retention that is changed

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A process on some day, with a ledger that remembers for so many days.
async fn on_day(database: &Arc<MemoryDatabase>, day: u32, ledger: impl Fn(Ledger) -> Ledger, event: &Event) -> Verdict {
    at(database, consumer(), first_day().plus(DAY * day), ledger, event).await
}

async fn at(
    database: &Arc<MemoryDatabase>,
    consumer: Consumer,
    now: Timestamp,
    ledger: impl Fn(Ledger) -> Ledger,
    event: &Event,
) -> Verdict {
    database.expire(now.unix_seconds());
    let environment = Environment::new(Arc::new(VirtualClock::showing(now)), Arc::new(SeededRandom::new(1)));
    let ledger = ledger(Ledger::new(Table::new("ledger")));
    let engine = Engine::new(consumer, database.clone(), ledger, environment);
    let verdicts = engine.handle(&[delivered("m", event)], Deadline::none()).await;
    verdicts.into_iter().next().unwrap()
}

fn first_day() -> Timestamp {
    Timestamp::parse("2026-11-22T07:00:00Z").unwrap()
}

fn of_day(day: u32) -> Event {
    let timestamp = first_day().plus(DAY * day).to_string();
    let event = deposit("a", 1);
    Event::from_json(&changed(&event, "/timestamp", json!(timestamp))).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_raised_retention_counts_for_what_happens_from_then_on() {
    let database = Arc::new(MemoryDatabase::default());
    let raised = |ledger: Ledger| {
        let since = first_day().plus(DAY * 20);
        ledger.keep_for(DAY * 90).with_retention_since(since)
    };
    let (before, after) = (of_day(0), of_day(21));
    assert_eq!(on_day(&database, 0, |ledger| ledger, &before).await, Verdict::Done);
    assert_eq!(on_day(&database, 21, raised, &after).await, Verdict::Done);
    assert_eq!(on_day(&database, 29, raised, &before).await, Verdict::Duplicate);
    let late = on_day(&database, 40, raised, &before).await;
    assert_eq!(parked_as(&late), Some(ParkReason::OlderThanTheLedger));
    assert_eq!(on_day(&database, 100, raised, &after).await, Verdict::Duplicate);
    let too_late = on_day(&database, 120, raised, &after).await;
    assert_eq!(parked_as(&too_late), Some(ParkReason::OlderThanTheLedger));
    assert_eq!(database.row("accounts", &["a"]).unwrap()["balance"].as_i64(), Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_lowered_retention_may_be_raised_again() {
    let database = Arc::new(MemoryDatabase::default());
    let lowered = |ledger: Ledger| ledger.keep_for(DAY * 7);
    let event = of_day(0);
    assert_eq!(on_day(&database, 0, lowered, &event).await, Verdict::Done);
    let late = on_day(&database, 8, lowered, &event).await;
    assert_eq!(parked_as(&late), Some(ParkReason::OlderThanTheLedger));
    let raised_again = on_day(&database, 29, |ledger| ledger, &event).await;
    assert_eq!(raised_again, Verdict::Duplicate);
}

#[tokio::test(start_paused = true)]
async fn an_event_is_handled_as_long_as_the_ledger_remembers_less_what_clocks_differ_by() {
    let database = Arc::new(MemoryDatabase::default());
    let last = first_day().plus(Ledger::RETENTION - Duration::from_secs(15 * 60));
    let verdict = at(&database, consumer(), last, |ledger| ledger, &of_day(0)).await;
    assert_eq!(verdict, Verdict::Done);
    let too_late = last.plus(Duration::from_millis(1));
    let verdict = at(&database, consumer(), too_late, |ledger| ledger, &of_day(0)).await;
    assert_eq!(parked_as(&verdict), Some(ParkReason::OlderThanTheLedger));
}

async fn added(event: Event<Deposited>, row: RowUpdate) -> Result<RowUpdate, Failure> {
    Ok(row.add("balance", event.payload().amount))
}

#[tokio::test(start_paused = true)]
async fn only_a_row_that_records_by_itself_forgets_before_a_ledger_of_years() {
    let database = Arc::new(MemoryDatabase::default());
    let of_years = |ledger: Ledger| ledger.keep_for(DAY * 1_000).with_retention_since(first_day().plus(DAY));
    let embedded = || {
        let row = |event: &Event<Deposited>| accounts().row(Key::new("pk", event.aggregate().id()));
        Consumer::named("rows").embedded(row, added)
    };
    let after_500_days = first_day().plus(DAY * 510);
    let verdict = at(&database, consumer(), after_500_days, of_years, &of_day(10)).await;
    assert_eq!(verdict, Verdict::Done);
    let verdict = at(&database, embedded(), after_500_days, of_years, &of_day(10)).await;
    assert_eq!(parked_as(&verdict), Some(ParkReason::OlderThanTheLedger));
    let verdict = at(&database, embedded(), after_500_days, of_years, &of_day(110)).await;
    assert_eq!(verdict, Verdict::Done);
}
