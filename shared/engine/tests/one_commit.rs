//! What the engine promises, on tables in memory.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use onecommit_engine::{
    Attribute, Cancellation, Commit, Condition, Consumer, DatabaseError, Deadline, Delivery, Engine, EventLog, Failure,
    Key, Ledger, ParkReason, QueueError, RetryReason, Settings, Table, TableReader, TableWriter, Transaction,
    TransientKind, UnknownEventTypes, Verdict, Write,
};
use onecommit_environment::{Environment, SeededRandom, SystemClock};
use onecommit_event::claim_check::{ClaimCheck, PayloadStore, StoreError};
use onecommit_event::{Aggregate, Event, EventId, NewEvent, Payload};
use onecommit_testing::{
    MemoryDatabase, TestConsumer, VirtualClock, an_event, delivery_of, in_cloud_event, in_event_bridge_event,
    in_sns_notification,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Clone, Serialize, Deserialize)]
struct Deposited {
    amount: i64,
}

impl Payload for Deposited {
    const EVENT_TYPE: &'static str = "Deposited";
}

fn accounts() -> Table {
    Table::new("accounts")
}

/// Adds the amount to the account: handled twice, it would show.
async fn deposited(event: Event<Deposited>) -> Result<Commit, Failure> {
    let row = Key::new("pk", event.aggregate().id());
    Ok(Commit::of(
        accounts().update(row).add("balance", event.payload().amount),
    ))
}

fn deposit(account: &str, amount: i64) -> Event {
    an_event("Account", account, Deposited { amount })
}

fn consumer() -> Consumer {
    Consumer::named("balances").atomic(deposited)
}

fn ungrouped() -> Settings {
    Settings::default().group_commit(false)
}

fn kit() -> TestConsumer {
    TestConsumer::new(consumer())
}

fn balance(kit: &TestConsumer, account: &str) -> Option<i64> {
    kit.row("accounts", &[account]).and_then(|row| row["balance"].as_i64())
}

fn changed(event: &Event, pointer: &str, value: Value) -> String {
    let mut json: Value = serde_json::from_str(&event.to_json()).unwrap();
    *json.pointer_mut(pointer).unwrap() = value;
    json.to_string()
}

fn delivered_times(mut delivery: Delivery, count: u32) -> Delivery {
    delivery.receive_count = count;
    delivery
}

async fn one(kit: &TestConsumer, delivery: Delivery) -> Verdict {
    kit.receive_deliveries(&[delivery]).await.0.remove(0)
}

fn parked_as(verdict: &Verdict) -> Option<ParkReason> {
    match verdict {
        Verdict::Park { reason, .. } => Some(*reason),
        _ => None,
    }
}

fn retried_as(verdict: &Verdict) -> Option<RetryReason> {
    match verdict {
        Verdict::Retry { reason, .. } => Some(*reason),
        _ => None,
    }
}

// ------------------------------------------------------------ once

#[tokio::test]
async fn a_message_is_handled_and_recorded_in_one_request() {
    let kit = kit();
    let event = deposit("a", 5);
    assert_eq!(kit.receive(&[&event]).await, [Verdict::Done]);
    assert_eq!(balance(&kit, "a"), Some(5));
    assert_eq!(kit.database().requests(), 1);
    let recorded = kit.ledger_row(&event).unwrap();
    assert_eq!(recorded["outcome"].as_str(), Some("handled"));
    assert_eq!(recorded["sourceMessageId"].as_str(), Some("m-0"));
    assert!(recorded["ttl"].as_i64().unwrap() > 1_700_000_000);
}

#[tokio::test]
async fn a_copy_that_was_delivered_or_parked_before_costs_one_write_unit() {
    let database: Arc<MemoryDatabase> = Arc::default();
    let process = |seed| {
        let environment = Environment::new(Arc::new(SystemClock), Arc::new(SeededRandom::new(seed)));
        TestConsumer::on(Arc::clone(&database), consumer(), environment)
    };
    let event = deposit("a", 5);
    let delivery = || delivery_of("m", event.to_json());
    assert_eq!(one(&process(1), delivery()).await, Verdict::Done);
    let parked = (
        "ParkedReason".to_owned(),
        Attribute::Text {
            data_type: "String".to_owned(),
            value: "HandlerFailed".to_owned(),
        },
    );
    let redriven = Delivery {
        attributes: vec![parked],
        ..delivery()
    };
    for (seed, copy) in [(2, delivered_times(delivery(), 2)), (3, redriven)] {
        let (requests, units) = (database.requests(), database.write_units());
        assert_eq!(one(&process(seed), copy).await, Verdict::Duplicate);
        assert_eq!((database.requests() - requests, database.write_units() - units), (1, 1));
    }
    let contradiction = delivery_of("m", changed(&event, "/payload/amount", json!(6)));
    let verdict = one(&process(4), delivered_times(contradiction, 2)).await;
    assert_eq!(parked_as(&verdict), Some(ParkReason::ContradictsHandled));
}

#[tokio::test]
async fn a_message_that_was_delivered_before_and_is_no_copy_is_handled() {
    let kit = kit();
    let delivery = delivered_times(delivery_of("m", deposit("a", 5).to_json()), 2);
    assert_eq!(one(&kit, delivery).await, Verdict::Done);
    assert_eq!((balance(&kit, "a"), kit.database().requests()), (Some(5), 2));
}

#[tokio::test]
async fn a_duplicate_in_another_process_costs_one_request_and_has_no_second_effect() {
    let database = Arc::new(MemoryDatabase::default());
    let process = || TestConsumer::on(database.clone(), consumer(), Environment::system());
    let event = deposit("a", 5);
    process().receive(&[&event]).await;
    let (second, before) = (process(), database.requests());
    assert_eq!(second.receive(&[&event]).await, [Verdict::Duplicate]);
    assert_eq!(database.requests() - before, 1);
    assert_eq!(balance(&second, "a"), Some(5));
}

#[tokio::test]
async fn a_duplicate_in_the_same_process_costs_no_request() {
    let kit = kit();
    let event = deposit("a", 5);
    kit.receive(&[&event]).await;
    let before = kit.database().requests();
    assert_eq!(kit.receive(&[&event]).await, [Verdict::Duplicate]);
    assert_eq!(kit.database().requests(), before);
}

#[tokio::test]
async fn copies_within_a_batch_are_one_message_by_whatever_route_they_came() {
    let kit = kit();
    let event = deposit("a", 5);
    let bodies = [
        event.to_json(),
        in_sns_notification(&event),
        in_event_bridge_event(&event),
        in_cloud_event(&event),
    ];
    let deliveries: Vec<Delivery> = bodies
        .into_iter()
        .enumerate()
        .map(|(number, body)| delivery_of(&number.to_string(), body))
        .collect();
    let (verdicts, settlement) = kit.receive_deliveries(&deliveries).await;
    assert_eq!(
        verdicts,
        [
            Verdict::Done,
            Verdict::Duplicate,
            Verdict::Duplicate,
            Verdict::Duplicate
        ]
    );
    assert!(settlement.failed.is_empty());
    assert_eq!((balance(&kit, "a"), kit.database().requests()), (Some(5), 1));
}

#[tokio::test]
async fn two_consumers_of_one_event_do_not_know_of_each_other() {
    let database = Arc::new(MemoryDatabase::default());
    let event = deposit("a", 5);
    for name in ["one", "other"] {
        let consumer = Consumer::named(name).atomic(deposited);
        let kit = TestConsumer::on(database.clone(), consumer, Environment::system());
        assert_eq!(kit.receive(&[&event]).await, [Verdict::Done]);
    }
    assert_eq!(database.row("accounts", &["a"]).unwrap()["balance"].as_i64(), Some(10));
}

#[tokio::test]
async fn an_id_that_comes_back_with_another_payload_is_parked() {
    let kit = kit();
    let event = deposit("a", 5);
    kit.receive(&[&event]).await;
    let tampered = changed(&event, "/payload/amount", json!(500));
    let verdict = one(&kit, delivery_of("m", tampered.clone())).await;
    assert_eq!(parked_as(&verdict), Some(ParkReason::ContradictsHandled));
    let in_one_batch = [
        delivery_of("1", deposit("b", 1).to_json()),
        delivery_of("2", event.to_json()),
        delivery_of("3", tampered),
    ];
    let verdicts = kit.receive_deliveries(&in_one_batch).await.0;
    assert_eq!(verdicts[..2], [Verdict::Done, Verdict::Duplicate]);
    assert_eq!(parked_as(&verdicts[2]), Some(ParkReason::ContradictsHandled));
    assert_eq!(balance(&kit, "a"), Some(5));
}

#[tokio::test]
async fn a_message_without_writes_is_recorded_all_the_same() {
    async fn nothing(_: Event<Deposited>) -> Result<Commit, Failure> {
        Ok(Commit::nothing())
    }
    let kit = TestConsumer::new(Consumer::named("balances").atomic(nothing));
    let event = deposit("a", 5);
    assert_eq!(kit.receive(&[&event]).await, [Verdict::Done]);
    assert!(kit.ledger_row(&event).is_some());
    assert_eq!(kit.database().write_units(), 1, "a single row needs no transaction");
}

// ------------------------------------------------------------ group commit

#[tokio::test]
async fn commits_that_touch_different_rows_share_one_request() {
    let kit = kit();
    let events: Vec<Event> = (0..10).map(|number| deposit(&format!("a{number}"), 1)).collect();
    let verdicts = kit.receive(&events.iter().collect::<Vec<_>>()).await;
    assert_eq!(verdicts, vec![Verdict::Done; 10]);
    assert_eq!(kit.database().requests(), 1);
    assert_eq!(
        (kit.database().count("accounts"), kit.database().count("ledger")),
        (10, 10)
    );
}

#[tokio::test]
async fn commits_that_touch_one_row_come_one_after_the_other() {
    let kit = kit();
    let events: Vec<Event> = (0..5).map(|_| deposit("a", 1)).collect();
    let verdicts = kit.receive(&events.iter().collect::<Vec<_>>()).await;
    assert_eq!(verdicts, vec![Verdict::Done; 5]);
    assert_eq!((balance(&kit, "a"), kit.database().requests()), (Some(5), 5));
}

#[tokio::test]
async fn sixty_commits_need_two_transactions() {
    let settings = Settings::default().concurrency(60);
    let kit = TestConsumer::new(consumer().with(settings));
    let events: Vec<Event> = (0..60).map(|number| deposit(&format!("a{number}"), 1)).collect();
    kit.receive(&events.iter().collect::<Vec<_>>()).await;
    assert_eq!((kit.database().count("accounts"), kit.database().requests()), (60, 2));
}

#[tokio::test]
async fn without_grouping_every_message_has_its_own_request() {
    let kit = TestConsumer::new(consumer().with(ungrouped()));
    let events: Vec<Event> = (0..10).map(|number| deposit(&format!("a{number}"), 1)).collect();
    kit.receive(&events.iter().collect::<Vec<_>>()).await;
    assert_eq!((kit.database().count("accounts"), kit.database().requests()), (10, 10));
}

#[tokio::test]
async fn duplicates_in_a_group_cost_their_neighbours_one_more_request_once() {
    let database = Arc::new(MemoryDatabase::default());
    let process = || TestConsumer::on(database.clone(), consumer(), Environment::system());
    let handled: Vec<Event> = (0..5).map(|number| deposit(&format!("old{number}"), 1)).collect();
    process().receive(&handled.iter().collect::<Vec<_>>()).await;
    let fresh: Vec<Event> = (0..5).map(|number| deposit(&format!("new{number}"), 1)).collect();
    let (second, before) = (process(), database.requests());
    let verdicts = second.receive(&handled.iter().chain(&fresh).collect::<Vec<_>>()).await;
    assert_eq!(verdicts, [vec![Verdict::Duplicate; 5], vec![Verdict::Done; 5]].concat());
    assert_eq!(
        database.requests() - before,
        2,
        "one cancelled, one with those that were left"
    );
    assert_eq!(database.count("accounts"), 10);
}

#[tokio::test]
async fn after_duplicates_spoilt_a_group_commits_go_alone_until_they_land_again() {
    let database = Arc::new(MemoryDatabase::default());
    let process = || TestConsumer::on(database.clone(), consumer(), Environment::system());
    let old: Vec<Event> = (0..4).map(|number| deposit(&format!("old{number}"), 1)).collect();
    process().receive(&old.iter().collect::<Vec<_>>()).await;
    let second = process();
    second.receive(&[&old[0], &deposit("x", 1)]).await;
    let before = database.write_units();
    second
        .receive(&[&old[1], &deposit("y", 1), &old[2], &deposit("z", 1)])
        .await;
    assert_eq!(database.write_units() - before, 16, "four units each, none paid twice");
    for round in 0..16 {
        second.receive(&[&deposit(&format!("r{round}"), 1)]).await;
    }
    let before = database.requests();
    second.receive(&[&deposit("p", 1), &deposit("q", 1)]).await;
    assert_eq!(database.requests() - before, 1, "trusted again");
}

#[tokio::test]
async fn a_neighbour_with_a_missing_table_keeps_nobody_else_out() {
    async fn astray(event: Event<Deposited>) -> Result<Commit, Failure> {
        let table = if event.payload().amount < 0 {
            "no-such-table"
        } else {
            "accounts"
        };
        Ok(Commit::of(
            Table::new(table)
                .update(Key::new("pk", event.aggregate().id()))
                .add("balance", 1),
        ))
    }
    let database = Arc::new(MemoryDatabase::default().without_table("no-such-table"));
    let consumer = Consumer::named("balances").atomic(astray);
    let kit = TestConsumer::on(database, consumer, Environment::system());
    let verdicts = kit
        .receive(&[&deposit("a", 1), &deposit("b", -1), &deposit("c", 1)])
        .await;
    assert_eq!((&verdicts[0], &verdicts[2]), (&Verdict::Done, &Verdict::Done));
    assert_eq!(retried_as(&verdicts[1]), Some(RetryReason::DatabaseUnavailable));
    assert_eq!((balance(&kit, "a"), balance(&kit, "c")), (Some(1), Some(1)));
}

#[tokio::test(start_paused = true)]
async fn handlers_that_read_before_they_commit_still_share_a_request() {
    async fn reads_first(event: Event<Deposited>) -> Result<Commit, Failure> {
        tokio::time::sleep(Duration::from_millis(4)).await;
        deposited(event).await
    }
    let environment = Environment::new(
        Arc::new(VirtualClock::showing(Environment::system().clock().now())),
        Arc::new(SeededRandom::new(1)),
    );
    let consumer = Consumer::named("balances").atomic(reads_first);
    let kit = TestConsumer::on(Arc::default(), consumer, environment);
    let events: Vec<Event> = (0..10).map(|number| deposit(&format!("a{number}"), 1)).collect();
    kit.receive(&events.iter().collect::<Vec<_>>()).await;
    assert_eq!(kit.database().requests(), 1);
}

// ------------------------------------------------------------ trouble with the database

fn unavailable() -> DatabaseError {
    DatabaseError::Transient(TransientKind::Unavailable, "connection reset".into())
}

#[tokio::test(start_paused = true)]
async fn an_answer_lost_after_the_write_landed_changes_nothing_twice() {
    let kit = kit();
    kit.database().lose_next_answer(unavailable());
    assert_eq!(kit.receive(&[&deposit("a", 5)]).await, [Verdict::Done]);
    assert_eq!((balance(&kit, "a"), kit.database().requests()), (Some(5), 2));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_never_arrived_is_sent_again() {
    let kit = kit();
    kit.database().fail_next(unavailable());
    assert_eq!(kit.receive(&[&deposit("a", 5)]).await, [Verdict::Done]);
    assert_eq!(balance(&kit, "a"), Some(5));
}

#[tokio::test(start_paused = true)]
async fn a_conflict_with_another_transaction_is_waited_out_by_those_it_concerns() {
    let kit = kit();
    let conflict = Cancellation::Transient(TransientKind::Conflict);
    kit.database().fail_next(DatabaseError::Cancelled(vec![
        Cancellation::None,
        conflict,
        Cancellation::None,
        Cancellation::None,
    ]));
    assert_eq!(
        kit.receive(&[&deposit("a", 1), &deposit("b", 1)]).await,
        [Verdict::Done, Verdict::Done]
    );
    assert_eq!((balance(&kit, "a"), balance(&kit, "b")), (Some(1), Some(1)));
}

#[tokio::test]
async fn a_handler_runs_again_on_fresh_reads_when_its_condition_failed() {
    let runs = Arc::new(AtomicU32::new(0));
    let counted = runs.clone();
    let handler = move |event: Event<Deposited>| {
        let run = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            // The first run read a version that was out of date by the time of its commit.
            let seen = if run == 0 { 7 } else { 0 };
            let update = accounts()
                .update(Key::new("pk", event.aggregate().id()))
                .set("version", seen + 1);
            let unchanged = if seen == 0 {
                Condition::absent("version")
            } else {
                Condition::equals("version", seen)
            };
            Ok(Commit::of(update.only_if(unchanged)))
        }
    };
    let kit = TestConsumer::new(Consumer::named("balances").atomic(handler));
    assert_eq!(kit.receive(&[&deposit("a", 5)]).await, [Verdict::Done]);
    assert_eq!(runs.load(Ordering::SeqCst), 2);
    assert_eq!(kit.engine().metrics().take().reruns, 1);
}

#[tokio::test]
async fn reruns_are_bounded_and_then_the_message_comes_back() {
    async fn never_holds(event: Event<Deposited>) -> Result<Commit, Failure> {
        let update = accounts().update(Key::new("pk", event.aggregate().id())).set("x", 1);
        Ok(Commit::of(update.only_if(Condition::exists("x"))))
    }
    let kit = TestConsumer::new(Consumer::named("balances").atomic(never_holds));
    let verdicts = kit.receive(&[&deposit("a", 5), &deposit("b", 5)]).await;
    assert!(
        verdicts
            .iter()
            .all(|verdict| retried_as(verdict) == Some(RetryReason::ConditionFailed))
    );
    assert_eq!(kit.engine().metrics().take().reruns, 6);
    assert_eq!(
        kit.database().count("ledger"),
        2,
        "nothing but the counts of two failures"
    );
}

// ------------------------------------------------------------ handlers that misbehave

async fn by_amount(event: Event<Deposited>) -> Result<Commit, Failure> {
    let row = |number: usize| {
        accounts()
            .update(Key::new("pk", format!("row{number}")))
            .add("balance", 1)
    };
    match event.payload().amount {
        -1 => panic!("minus one"),
        -2 => std::future::pending().await,
        -3 => Err(Failure::reject("no such account")),
        -4 => Err(std::io::Error::other("disk on fire"))?,
        -5 => Ok((0..100).fold(Commit::nothing(), |commit, number| commit.with(row(number)))),
        -6 => Ok(Commit::of(row(1)).with(row(1))),
        -7 => Ok(Commit::of(row(1).set("blob", "x".repeat(410 * 1024)))),
        -8 => Ok((0..12).fold(Commit::nothing(), |commit, number| {
            commit.with(row(number).set("blob", "x".repeat(390 * 1024)))
        })),
        _ => deposited(event).await,
    }
}

#[tokio::test(start_paused = true)]
async fn a_misbehaving_handler_costs_its_own_record_and_its_neighbours_land() {
    let clock = VirtualClock::showing(Environment::system().clock().now());
    let environment = Environment::new(Arc::new(clock), Arc::new(SeededRandom::new(1)));
    for (amount, expected) in [
        (-1, Err(RetryReason::HandlerPanicked)),
        (-2, Err(RetryReason::HandlerTimedOut)),
        (-3, Ok(ParkReason::Rejected)),
        (-4, Err(RetryReason::HandlerFailed)),
        (-5, Ok(ParkReason::InvalidCommit)),
        (-6, Ok(ParkReason::InvalidCommit)),
        (-7, Ok(ParkReason::InvalidCommit)),
        (-8, Ok(ParkReason::InvalidCommit)),
    ] {
        let kit = TestConsumer::on(
            Arc::default(),
            Consumer::named("balances").atomic(by_amount),
            environment.clone(),
        );
        let verdicts = kit
            .receive(&[&deposit("a", 1), &deposit("b", amount), &deposit("c", 1)])
            .await;
        assert_eq!(
            (&verdicts[0], &verdicts[2]),
            (&Verdict::Done, &Verdict::Done),
            "beside {amount}"
        );
        match expected {
            Ok(parked) => assert_eq!(parked_as(&verdicts[1]), Some(parked), "{:?}", verdicts[1]),
            Err(retried) => {
                assert_eq!(retried_as(&verdicts[1]), Some(retried), "{:?}", verdicts[1]);
                let again = delivery_of("m", deposit("b", amount).to_json());
                for _ in 0..4 {
                    assert_eq!(retried_as(&one(&kit, again.clone()).await), Some(retried));
                }
                assert_eq!(parked_as(&one(&kit, again).await), retried_parks_as(retried));
            }
        }
        assert_eq!(
            (balance(&kit, "a"), balance(&kit, "c")),
            (Some(1), Some(1)),
            "beside {amount}"
        );
    }
}

fn retried_parks_as(reason: RetryReason) -> Option<ParkReason> {
    match reason {
        RetryReason::HandlerPanicked => Some(ParkReason::HandlerPanicked),
        RetryReason::HandlerTimedOut => Some(ParkReason::HandlerTimedOut),
        RetryReason::HandlerFailed => Some(ParkReason::HandlerFailed),
        _ => None,
    }
}

#[tokio::test]
async fn a_failure_comes_back_with_a_wait_that_grows_with_its_deliveries() {
    let kit = TestConsumer::new(Consumer::named("balances").atomic(by_amount));
    let mut longest = Duration::ZERO;
    for _ in 0..100 {
        let event = deposit("a", -4);
        let delivery = delivered_times(delivery_of(&event.id().to_string(), event.to_json()), 4);
        let Verdict::Retry { after, error, .. } = one(&kit, delivery).await else {
            panic!("it should come back")
        };
        assert!(error.contains("disk on fire"));
        longest = longest.max(after);
    }
    assert!(
        longest > Duration::from_secs(8) && longest <= Duration::from_secs(16),
        "{longest:?}"
    );
    assert_eq!(kit.queue().delayed().len(), 100);
}

// ------------------------------------------------------------ bad input

#[tokio::test]
async fn bad_input_is_parked_with_its_reason_and_never_fails_its_neighbours() {
    let kit = TestConsumer::new(consumer().with(Settings::default().unknown_event_types(UnknownEventTypes::Park)));
    let event = deposit("a", 1);
    let without_message = r#"{"Type":"Notification","TopicArn":"arn:aws:sns:eu-west-1:000000000000:t"}"#;
    for (body, reason) in [
        ("{ not json".to_owned(), ParkReason::MalformedBody),
        (String::new(), ParkReason::MalformedBody),
        ("x".repeat(1 << 20), ParkReason::MalformedBody),
        ("[]".to_owned(), ParkReason::MalformedBody),
        ("{}".to_owned(), ParkReason::InvalidEnvelope),
        (without_message.to_owned(), ParkReason::InvalidEnvelope),
        (changed(&event, "/timestamp", json!(7)), ParkReason::InvalidEvent),
        (changed(&event, "/aggregateId", json!("")), ParkReason::InvalidEvent),
        (
            changed(&event, "/payload", json!({"amount": "much"})),
            ParkReason::InvalidPayload,
        ),
        (changed(&event, "/payload", json!({})), ParkReason::InvalidPayload),
        (
            changed(&event, "/eventType", json!("Teleported")),
            ParkReason::UnknownEventType,
        ),
        (
            changed(&event, "/metadata/schemaVersion", json!(2)),
            ParkReason::UnknownSchemaVersion,
        ),
        (
            changed(&event, "/timestamp", json!("2999-01-01T00:00:00Z")),
            ParkReason::FutureTimestamp,
        ),
    ] {
        let parked_before = kit.queue().parked().len();
        let neighbour = deposit("neighbour", 1);
        let batch = [
            delivery_of("bad", body.clone()),
            delivery_of("good", neighbour.to_json()),
        ];
        let (verdicts, settlement) = kit.receive_deliveries(&batch).await;
        assert_eq!(parked_as(&verdicts[0]), Some(reason), "{verdicts:?}");
        assert_eq!(verdicts[1], Verdict::Done);
        assert!(settlement.failed.is_empty());
        let (delivery, why, error) = kit.queue().parked().swap_remove(parked_before);
        assert_eq!((delivery.body, why), (body, reason));
        assert!(!error.is_empty());
    }
    assert_eq!(balance(&kit, "neighbour"), Some(13));
}

#[tokio::test]
async fn an_event_type_nobody_handles_is_ignored_by_default() {
    let kit = kit();
    let stranger = changed(&deposit("a", 1), "/eventType", json!("Teleported"));
    assert_eq!(one(&kit, delivery_of("m", stranger)).await, Verdict::Ignored);
    assert!(kit.queue().parked().is_empty());
}

#[tokio::test]
async fn an_empty_batch_is_no_work() {
    let (verdicts, settlement) = kit().receive_deliveries(&[]).await;
    assert!(verdicts.is_empty() && settlement.failed.is_empty());
}

#[tokio::test]
async fn what_cannot_be_parked_is_redelivered() {
    for refusal in [
        (|| QueueError::Refused("too large".into())) as fn() -> QueueError,
        || QueueError::Transient("down".into()),
    ] {
        let kit = kit();
        kit.queue().refuse(refusal);
        let batch = [
            delivery_of("bad", "nonsense"),
            delivery_of("good", deposit("a", 1).to_json()),
        ];
        let (_, settlement) = kit.receive_deliveries(&batch).await;
        assert_eq!((settlement.failed, settlement.finished), (vec![0], vec![1]));
        assert_eq!(kit.engine().metrics().take().not_parked, 1);
    }
}

// ------------------------------------------------------------ lanes and deadline

fn in_group(mut delivery: Delivery, group: &str) -> Delivery {
    delivery.group = Some(group.to_owned());
    delivery
}

#[tokio::test]
async fn a_failed_message_holds_back_the_rest_of_its_own_group_only() {
    let kit = TestConsumer::new(Consumer::named("balances").atomic(by_amount));
    let message = |id: &str, group: &str, amount: i64| in_group(delivery_of(id, deposit(id, amount).to_json()), group);
    let batch = [
        message("a1", "a", 1),
        message("b1", "b", 1),
        message("a2", "a", -4),
        message("b2", "b", 1),
        message("a3", "a", 1),
        message("b3", "b", -3),
        message("b4", "b", 1),
    ];
    let (verdicts, settlement) = kit.receive_deliveries(&batch).await;
    assert_eq!(retried_as(&verdicts[2]), Some(RetryReason::HandlerFailed));
    assert_eq!(retried_as(&verdicts[4]), Some(RetryReason::HeldBack));
    assert_eq!(parked_as(&verdicts[5]), Some(ParkReason::Rejected));
    assert_eq!(
        retried_as(&verdicts[6]),
        Some(RetryReason::HeldBack),
        "until b3 is parked"
    );
    assert_eq!(settlement.failed, [2, 4, 6]);
    assert_eq!(settlement.finished, [0, 1, 3, 5]);
    assert!(balance(&kit, "a3").is_none());
}

#[tokio::test]
async fn messages_of_a_group_run_in_order() {
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = order.clone();
    let handler = move |event: Event<Deposited>| {
        let seen = seen.clone();
        async move {
            // Later messages would overtake if they ran side by side: they need less.
            for _ in 0..10 - event.payload().amount {
                tokio::task::yield_now().await;
            }
            seen.lock().unwrap().push(event.payload().amount);
            Ok(Commit::nothing())
        }
    };
    let kit = TestConsumer::new(Consumer::named("balances").atomic(handler));
    let batch: Vec<Delivery> = (0..10)
        .map(|number| in_group(delivery_of(&number.to_string(), deposit("a", number).to_json()), "a"))
        .collect();
    kit.receive_deliveries(&batch).await;
    assert_eq!(*order.lock().unwrap(), (0..10).collect::<Vec<i64>>());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_started_when_the_time_for_work_is_over() {
    let clock = VirtualClock::showing(Environment::system().clock().now());
    let environment = Environment::new(Arc::new(clock), Arc::new(SeededRandom::new(1)));
    let kit = TestConsumer::on(Arc::default(), consumer(), environment);
    let event = deposit("a", 1);
    let deadline = Deadline::after(Duration::from_secs(30), kit.engine().environment().clock());
    tokio::time::sleep(Duration::from_millis(29_600)).await;
    let verdicts = kit
        .engine()
        .handle(&[delivery_of("m", event.to_json())], deadline)
        .await;
    assert_eq!(retried_as(&verdicts[0]), Some(RetryReason::NotStarted));
    assert_eq!(kit.database().requests(), 0);
}

// ------------------------------------------------------------ what is counted

#[tokio::test]
async fn everything_is_counted_once() {
    let kit = TestConsumer::new(Consumer::named("balances").atomic(by_amount));
    let event = deposit("a", 1);
    kit.receive(&[&event, &event, &deposit("b", -3), &deposit("c", -4)])
        .await;
    kit.receive(&[&event]).await;
    let tally = kit.engine().metrics().take();
    assert_eq!((tally.handled, tally.duplicates), (1, 2));
    assert_eq!(tally.requests, 2, "a commit, and the count of a failure");
    assert_eq!(tally.parked, [(ParkReason::Rejected, 1)].into());
    assert_eq!(tally.retries, [(RetryReason::HandlerFailed, 1)].into());
    assert_eq!(kit.engine().metrics().take(), onecommit_engine::Tally::default());
}

// ------------------------------------------------------------ claim checks

#[derive(Default)]
struct Shelf {
    payloads: std::sync::Mutex<std::collections::HashMap<String, String>>,
    is_down: std::sync::atomic::AtomicBool,
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
        if self.is_down.load(Ordering::SeqCst) {
            return Err(StoreError::Transient("down".into()));
        }
        self.payloads
            .lock()
            .unwrap()
            .get(key)
            .cloned()
            .ok_or_else(|| StoreError::Gone("no such key".into()))
    }
}

#[tokio::test]
async fn an_event_with_a_claim_check_is_handled_like_the_whole_one_and_is_the_same_event() {
    let shelf = Arc::new(Shelf::default());
    let kit = kit().with_claim_checks(shelf.clone());
    let event = deposit("a", 5);
    let light = ClaimCheck::leave(&event, &*shelf).await.unwrap();
    shelf.is_down.store(true, Ordering::SeqCst);
    assert_eq!(
        retried_as(&kit.receive(&[&light]).await[0]),
        Some(RetryReason::PayloadUnavailable)
    );
    shelf.is_down.store(false, Ordering::SeqCst);
    assert_eq!(
        kit.receive(&[&light, &event]).await,
        [Verdict::Done, Verdict::Duplicate]
    );
    assert_eq!(balance(&kit, "a"), Some(5));
}

#[tokio::test]
async fn a_claim_check_that_claims_nothing_is_parked() {
    let shelf = Arc::new(Shelf::default());
    let light = ClaimCheck::leave(&deposit("a", 5), &*shelf).await.unwrap();
    shelf.payloads.lock().unwrap().clear();
    let verdicts = kit().with_claim_checks(shelf).receive(&[&light]).await;
    assert_eq!(parked_as(&verdicts[0]), Some(ParkReason::PayloadUnavailable));
    assert_eq!(
        parked_as(&kit().receive(&[&light]).await[0]),
        Some(ParkReason::PayloadUnavailable)
    );
}

#[tokio::test(start_paused = true)]
async fn a_database_that_does_not_answer_cannot_keep_a_batch_from_its_verdicts() {
    struct Silent;
    #[async_trait::async_trait]
    impl TableWriter for Silent {
        async fn transact(&self, _: &Transaction) -> Result<(), DatabaseError> {
            std::future::pending().await
        }
        async fn write(&self, _: &Write) -> Result<(), DatabaseError> {
            std::future::pending().await
        }
    }
    let clock = VirtualClock::showing(Environment::system().clock().now());
    let environment = Environment::new(Arc::new(clock), Arc::new(SeededRandom::new(1)));
    let engine = Engine::new(
        consumer(),
        Arc::new(Silent),
        Ledger::new(Table::new("ledger")),
        environment,
    );
    let batch: Vec<Delivery> = (0..3)
        .map(|number| delivery_of(&number.to_string(), deposit(&number.to_string(), 1).to_json()))
        .collect();
    let deadline = Deadline::after(Duration::from_secs(30), engine.environment().clock());
    let verdicts = engine.handle(&batch, deadline).await;
    assert!(
        verdicts
            .iter()
            .all(|verdict| retried_as(verdict) == Some(RetryReason::DatabaseUnavailable))
    );
    assert!(deadline.remaining(engine.environment().clock()) > Duration::ZERO);
}

// ------------------------------------------------------------ events

#[tokio::test]
async fn the_events_of_a_commit_land_with_it_and_follow_from_their_cause() {
    async fn opened(event: Event<Deposited>) -> Result<Commit, Failure> {
        let account = Aggregate::new("Account", event.aggregate().id())?;
        let deposited = || NewEvent::of(&Deposited { amount: 7 });
        Ok(
            Commit::of(accounts().update(Key::new("pk", "a")).add("balance", 1)).append(
                account,
                0,
                [deposited()?, deposited()?],
            ),
        )
    }
    let log = EventLog::new(Table::new("events"));
    let kit = TestConsumer::new(Consumer::named("openings").atomic(opened)).with_event_log(log);
    let cause = deposit("a", 5);
    assert_eq!(kit.receive(&[&cause]).await, [Verdict::Done]);
    assert_eq!(kit.database().requests(), 1);
    let query = Table::new("events").query("stream", "Account#a");
    let rows = TableReader::query(kit.database(), &query).await.unwrap().rows;
    let events: Vec<Event> = rows.iter().map(|row| EventLog::event_in(row).unwrap()).collect();
    assert_eq!(
        events.iter().map(|event| event.metadata().sequence).collect::<Vec<_>>(),
        [Some(1), Some(2)]
    );
    for event in &events {
        assert_eq!(event.metadata().causation_id, cause.id().to_string());
        assert_eq!(event.metadata().correlation_id, cause.metadata().correlation_id);
    }
    assert_ne!(events[0].id(), events[1].id());
    let again = kit.receive(&[&deposit("a", 1)]).await;
    assert_eq!(
        retried_as(&again[0]),
        Some(RetryReason::ConditionFailed),
        "the stream has grown since"
    );
    assert_eq!(balance(&kit, "a"), Some(1), "and nothing else of that commit landed");
}

#[tokio::test]
async fn a_commit_that_appends_without_an_event_log_is_parked() {
    async fn appends(event: Event<Deposited>) -> Result<Commit, Failure> {
        Ok(Commit::nothing().append(event.aggregate().clone(), 0, [NewEvent::of(event.payload())?]))
    }
    let kit = TestConsumer::new(Consumer::named("openings").atomic(appends));
    assert_eq!(
        parked_as(&kit.receive(&[&deposit("a", 1)]).await[0]),
        Some(ParkReason::InvalidCommit)
    );
}

#[tokio::test]
async fn an_event_that_was_given_an_id_keeps_it() {
    async fn appends(event: Event<Deposited>) -> Result<Commit, Failure> {
        let own = NewEvent::of(event.payload())?.with_id(EventId::of_foreign("accounts", "opening"));
        Ok(Commit::nothing().append(event.aggregate().clone(), 0, [own]))
    }
    let log = EventLog::new(Table::new("events"));
    let kit = TestConsumer::new(Consumer::named("openings").atomic(appends)).with_event_log(log);
    let opened = deposit("a", 5);
    assert_eq!(kit.receive(&[&opened]).await, [Verdict::Done]);
    let stream = Table::new("events").query("stream", opened.aggregate().to_string());
    let page = kit.database().query(&stream).await.unwrap();
    let appended = EventLog::event_in(&page.rows[0]).unwrap();
    assert_eq!(appended.id(), EventId::of_foreign("accounts", "opening"));
    assert_eq!(appended.metadata().causation_id, opened.id().to_string());
}

#[tokio::test]
async fn a_handler_may_read_the_payload_itself_and_its_schema_is_still_checked() {
    async fn raw(event: Event) -> Result<Commit, Failure> {
        deposited(event.decode()?).await
    }
    let kit = TestConsumer::new(Consumer::named("balances").atomic_raw(Deposited::EVENT_TYPE, 1, raw));
    let event = deposit("a", 5);
    assert_eq!(
        kit.receive(&[&event, &event]).await,
        [Verdict::Done, Verdict::Duplicate]
    );
    assert_eq!(balance(&kit, "a"), Some(5));
    let newer = changed(&deposit("a", 5), "/metadata/schemaVersion", json!(2));
    let verdict = one(&kit, delivery_of("m-2", newer)).await;
    assert_eq!(parked_as(&verdict), Some(ParkReason::UnknownSchemaVersion));
}
