//! What each effect class promises, on tables in memory and a virtual clock.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use onecommit_engine::{
    CallError, CallOutcome, Commit, Condition, Consumer, DatabaseError, Delivery, Failure, Guarded, IdempotencyKeys,
    Key, Message, ParkReason, RetryReason, SequencedUpdate, Table, TransientKind, Verdict,
};
use onecommit_environment::{Clock, Environment, SeededRandom, SystemClock, Timestamp};
use onecommit_event::{Event, Metadata, Payload};
use onecommit_testing::{MemoryDatabase, TestConsumer, VirtualClock, an_event, delivery_of};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Shipped {
    weight: i64,
}

impl Payload for Shipped {
    const EVENT_TYPE: &'static str = "Shipped";
}

fn shipped(parcel: &str, weight: i64) -> Event {
    an_event("Parcel", parcel, Shipped { weight })
}

fn with_sequence(event: Event, sequence: u64) -> Event {
    let metadata = Metadata {
        sequence: Some(sequence),
        ..event.metadata().clone()
    };
    event.with_metadata(metadata)
}

fn row_of(event: &Event<Shipped>) -> Key {
    Key::new("pk", event.aggregate().id())
}

fn weights() -> Table {
    Table::new("weights")
}

/// A clock that starts now and jumps ahead whenever everything waits.
fn virtual_time() -> Environment {
    let clock = VirtualClock::showing(Timestamp::from_unix_ms(SystemClock.now().unix_ms()));
    Environment::new(Arc::new(clock), Arc::new(SeededRandom::new(1)))
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

// ------------------------------------------------------------ projections

fn last_weight(event: &Event<Shipped>) -> Result<SequencedUpdate, Failure> {
    Ok(SequencedUpdate::last_value(
        weights().update(row_of(event)).set("weight", event.payload().weight),
    ))
}

fn total_weight(event: &Event<Shipped>) -> Result<SequencedUpdate, Failure> {
    Ok(SequencedUpdate::accumulating(
        weights().update(row_of(event)).add("weight", event.payload().weight),
    ))
}

fn weight(kit: &TestConsumer) -> Option<i64> {
    kit.row("weights", &["p"]).and_then(|row| row["weight"].as_i64())
}

#[tokio::test]
async fn a_last_value_view_shows_the_newest_event_whatever_the_order() {
    let kit = TestConsumer::new(Consumer::named("weights").sequenced(last_weight));
    let events: Vec<Event> = (1..=3)
        .map(|number| with_sequence(shipped("p", number as i64), number))
        .collect();
    assert_eq!(kit.receive(&[&events[1]]).await, [Verdict::Done]);
    assert_eq!(
        kit.receive(&[&events[0]]).await,
        [Verdict::Duplicate],
        "older than what the view shows"
    );
    assert_eq!(kit.receive(&[&events[2]]).await, [Verdict::Done]);
    assert_eq!(kit.receive(&[&events[1]]).await, [Verdict::Duplicate]);
    assert_eq!(weight(&kit), Some(3));
}

#[tokio::test]
async fn a_projection_costs_one_request_one_write_unit_and_no_ledger_row() {
    let kit = TestConsumer::new(Consumer::named("weights").sequenced(last_weight));
    kit.receive(&[&with_sequence(shipped("p", 1), 1)]).await;
    assert_eq!((kit.database().requests(), kit.database().write_units()), (1, 1));
    assert_eq!(kit.database().count("ledger"), 0);
}

#[tokio::test]
async fn an_accumulating_view_takes_each_event_once_and_a_gap_comes_back_later() {
    let kit = TestConsumer::new(Consumer::named("weights").sequenced(total_weight));
    let events: Vec<Event> = (1..=3).map(|number| with_sequence(shipped("p", 10), number)).collect();
    assert_eq!(
        retried_as(&kit.receive(&[&events[1]]).await[0]),
        Some(RetryReason::SequenceGap)
    );
    assert_eq!(kit.receive(&[&events[0]]).await, [Verdict::Done]);
    assert_eq!(kit.receive(&[&events[0]]).await, [Verdict::Duplicate]);
    assert_eq!(
        retried_as(&kit.receive(&[&events[2]]).await[0]),
        Some(RetryReason::SequenceGap)
    );
    assert_eq!(kit.receive(&[&events[1]]).await, [Verdict::Done]);
    assert_eq!(kit.receive(&[&events[2]]).await, [Verdict::Done]);
    assert_eq!(weight(&kit), Some(30));
}

#[tokio::test]
async fn events_of_one_aggregate_in_one_batch_reach_the_view_in_order() {
    let kit = TestConsumer::new(Consumer::named("weights").sequenced(total_weight));
    let events: Vec<Event> = [3, 1, 2].map(|number| with_sequence(shipped("p", 10), number)).into();
    assert_eq!(
        kit.receive(&events.iter().collect::<Vec<_>>()).await,
        vec![Verdict::Done; 3]
    );
    assert_eq!(weight(&kit), Some(30));
}

#[tokio::test]
async fn a_projection_of_an_event_without_a_sequence_is_parked() {
    let kit = TestConsumer::new(Consumer::named("weights").sequenced(last_weight));
    assert_eq!(
        parked_as(&kit.receive(&[&shipped("p", 1)]).await[0]),
        Some(ParkReason::MissingSequence)
    );
}

// ------------------------------------------------------------ keyed

#[tokio::test]
async fn a_keyed_call_has_the_same_key_in_every_run_and_another_for_everything_else() {
    let keys: Arc<Mutex<Vec<String>>> = Arc::default();
    let handler = |keys: Arc<Mutex<Vec<String>>>| {
        move |event: Event<Shipped>, calls: IdempotencyKeys| {
            let keys = keys.clone();
            async move {
                keys.lock().unwrap().push(calls.key("label").to_string());
                if event.payload().weight < 0 {
                    return Err(Failure::transient("the carrier is down"));
                }
                keys.lock().unwrap().push(calls.key("pickup").to_string());
                Ok(Commit::of(weights().update(row_of(&event)).add("weight", 1)))
            }
        }
    };
    let event = shipped("p", 1);
    for consumer in ["a", "a", "b"] {
        let kit = TestConsumer::new(Consumer::named(consumer).keyed(handler(keys.clone())));
        assert_eq!(kit.receive(&[&event]).await, [Verdict::Done]);
    }
    let kit = TestConsumer::new(Consumer::named("a").keyed(handler(keys.clone())));
    kit.receive(&[&shipped("p", -1)]).await;
    let keys = keys.lock().unwrap();
    assert_eq!((&keys[0], &keys[1]), (&keys[2], &keys[3]), "the same in another run");
    let distinct: std::collections::HashSet<&String> = keys.iter().collect();
    assert_eq!(
        distinct.len(),
        5,
        "another for another name, consumer and event: {keys:?}"
    );
    assert!(keys.iter().all(|key| key.len() == 32));
}

#[tokio::test]
async fn the_commit_of_a_keyed_handler_lands_once() {
    async fn book(event: Event<Shipped>, calls: IdempotencyKeys) -> Result<Commit, Failure> {
        let booking = calls.key("book").to_string();
        Ok(Commit::of(
            weights()
                .update(row_of(&event))
                .set("booking", booking)
                .add("weight", 1),
        ))
    }
    let database = Arc::new(MemoryDatabase::default());
    let event = shipped("p", 1);
    for expected in [Verdict::Done, Verdict::Duplicate] {
        let kit = TestConsumer::on(
            database.clone(),
            Consumer::named("bookings").keyed(book),
            Environment::system(),
        );
        assert_eq!(kit.receive(&[&event]).await, [expected]);
        assert_eq!(weight(&kit), Some(1));
    }
}

// ------------------------------------------------------------ guarded

/// A carrier that honours no idempotency key: a call made twice is a parcel picked up twice.
#[derive(Clone, Default)]
struct Carrier {
    pickups: Arc<AtomicU32>,
    probes: Arc<AtomicU32>,
}

/// How the next call ends.
#[derive(Clone, Copy, PartialEq)]
enum Ending {
    Answers,
    AnswersAfter(Duration),
    NeverAnswers,
    LosesTheAnswer,
    HasNoConnection,
    Refuses,
}

#[derive(Clone)]
struct Pickup {
    carrier: Carrier,
    ending: Ending,
    can_probe: bool,
}

impl Guarded<Shipped> for Pickup {
    type Answer = u32;

    async fn call(&self, _: &Event<Shipped>) -> Result<u32, CallError> {
        match self.ending {
            Ending::HasNoConnection => return Err(CallError::NotDone("connection refused".into())),
            Ending::Refuses => return Err(CallError::Rejected("too heavy".into())),
            _ => {}
        }
        let number = self.carrier.pickups.fetch_add(1, Ordering::SeqCst) + 1;
        match self.ending {
            Ending::NeverAnswers => std::future::pending().await,
            Ending::LosesTheAnswer => Err(CallError::Unknown("timed out".into())),
            Ending::AnswersAfter(time) => {
                tokio::time::sleep(time).await;
                Ok(number)
            }
            _ => Ok(number),
        }
    }

    async fn probe(&self, _: &Event<Shipped>) -> Result<CallOutcome<u32>, Failure> {
        self.carrier.probes.fetch_add(1, Ordering::SeqCst);
        Ok(match (self.can_probe, self.carrier.pickups.load(Ordering::SeqCst)) {
            (false, _) => CallOutcome::Unknown,
            (true, 0) => CallOutcome::DidNotHappen,
            (true, number) => CallOutcome::Happened(number),
        })
    }

    async fn commit(&self, event: &Event<Shipped>, pickup: &u32) -> Result<Commit, Failure> {
        Ok(Commit::of(
            weights().update(row_of(event)).set("pickup", *pickup).add("weight", 1),
        ))
    }
}

struct Depot {
    database: Arc<MemoryDatabase>,
    environment: Environment,
    carrier: Carrier,
    event: Event,
}

impl Depot {
    fn new() -> Self {
        let environment = virtual_time();
        Self {
            database: Arc::default(),
            environment,
            carrier: Carrier::default(),
            event: shipped("p", 1),
        }
    }

    fn process(&self, ending: Ending, can_probe: bool) -> TestConsumer {
        let pickup = Pickup {
            carrier: self.carrier.clone(),
            ending,
            can_probe,
        };
        TestConsumer::on(
            self.database.clone(),
            Consumer::named("pickups").guarded(pickup),
            self.environment.clone(),
        )
    }

    async fn deliver(&self, ending: Ending, can_probe: bool) -> Verdict {
        self.deliver_to(&self.process(ending, can_probe)).await
    }

    async fn deliver_to(&self, process: &TestConsumer) -> Verdict {
        process.receive(&[&self.event]).await.remove(0)
    }

    fn pickups(&self) -> u32 {
        self.carrier.pickups.load(Ordering::SeqCst)
    }

    fn probes(&self) -> u32 {
        self.carrier.probes.load(Ordering::SeqCst)
    }

    fn committed(&self) -> Option<i64> {
        self.database
            .row("weights", &["p"])
            .and_then(|row| row["weight"].as_i64())
    }
}

#[tokio::test(start_paused = true)]
async fn a_guarded_call_is_made_once_and_costs_one_request_more() {
    let depot = Depot::new();
    assert_eq!(depot.deliver(Ending::Answers, false).await, Verdict::Done);
    assert_eq!(depot.database.requests(), 2);
    assert_eq!(depot.deliver(Ending::Answers, false).await, Verdict::Duplicate);
    assert_eq!((depot.pickups(), depot.committed()), (1, Some(1)));
    let row = depot.process(Ending::Answers, false).ledger_row(&depot.event).unwrap();
    assert_eq!(row["outcome"].as_str(), Some("handled"));
    assert!(!row.contains_key("owner"));
}

#[tokio::test(start_paused = true)]
async fn a_process_that_died_in_its_call_is_asked_after_by_the_probe_once_its_lease_lapsed() {
    let depot = Depot::new();
    let died = depot.process(Ending::NeverAnswers, true);
    let call = depot.deliver_to(&died);
    assert!(
        tokio::time::timeout(Duration::from_secs(5), call).await.is_err(),
        "dropped in the middle of its call"
    );
    let verdict = depot.deliver(Ending::Answers, true).await;
    assert_eq!(retried_as(&verdict), Some(RetryReason::Leased), "the lease still holds");
    tokio::time::sleep(Duration::from_secs(31)).await;
    assert_eq!(depot.deliver(Ending::Answers, true).await, Verdict::Done);
    assert_eq!((depot.pickups(), depot.probes(), depot.committed()), (1, 1, Some(1)));
}

#[tokio::test(start_paused = true)]
async fn without_a_probe_a_call_whose_end_nobody_saw_is_parked_and_never_repeated() {
    let depot = Depot::new();
    let verdict = depot.deliver(Ending::LosesTheAnswer, false).await;
    assert_eq!(retried_as(&verdict), Some(RetryReason::CallOutcomeUnknown));
    for _ in 0..2 {
        let verdict = depot.deliver(Ending::Answers, false).await;
        assert_eq!(
            parked_as(&verdict),
            Some(ParkReason::CallOutcomeUnknown),
            "also when it is redriven"
        );
    }
    assert_eq!((depot.pickups(), depot.committed()), (1, None));
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_found_by_the_probe_without_waiting_for_the_lease() {
    let depot = Depot::new();
    depot.deliver(Ending::LosesTheAnswer, true).await;
    assert_eq!(depot.deliver(Ending::Answers, true).await, Verdict::Done);
    assert_eq!((depot.pickups(), depot.probes(), depot.committed()), (1, 1, Some(1)));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_surely_did_not_happen_is_made_again_without_asking() {
    let depot = Depot::new();
    let verdict = depot.deliver(Ending::HasNoConnection, false).await;
    assert_eq!(retried_as(&verdict), Some(RetryReason::Unavailable));
    assert_eq!(depot.deliver(Ending::Answers, false).await, Verdict::Done);
    assert_eq!((depot.pickups(), depot.probes()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_refused_call_parks_the_message_which_may_be_redriven() {
    let depot = Depot::new();
    assert_eq!(
        parked_as(&depot.deliver(Ending::Refuses, false).await),
        Some(ParkReason::Rejected)
    );
    assert_eq!(depot.deliver(Ending::Answers, false).await, Verdict::Done);
}

#[tokio::test(start_paused = true)]
async fn a_slow_call_keeps_its_lease() {
    let depot = Depot::new();
    let slow = depot.process(Ending::AnswersAfter(Duration::from_secs(50)), false);
    let other = async {
        tokio::time::sleep(Duration::from_secs(45)).await;
        depot.deliver(Ending::Answers, true).await
    };
    let (slow, other) = tokio::join!(depot.deliver_to(&slow), other);
    assert_eq!(slow, Verdict::Done);
    assert_eq!(retried_as(&other), Some(RetryReason::Leased));
    assert_eq!((depot.pickups(), depot.committed()), (1, Some(1)));
}

#[tokio::test(start_paused = true)]
async fn whoever_lost_the_lease_cannot_commit() {
    let depot = Depot::new();
    let stalled = depot.process(Ending::AnswersAfter(Duration::from_secs(40)), true);
    // Cut off from the table, the first cannot renew; the second takes over and commits.
    let unavailable = || DatabaseError::Transient(TransientKind::Unavailable, "cut off".into());
    let takes_over = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        (0..3).for_each(|_| depot.database.fail_next(unavailable()));
        tokio::time::sleep(Duration::from_secs(31)).await;
        depot.deliver(Ending::Answers, true).await
    };
    let (stalled, second) = tokio::join!(depot.deliver_to(&stalled), takes_over);
    assert_eq!(second, Verdict::Done);
    assert_eq!(stalled, Verdict::Duplicate, "its commit failed on owner and epoch");
    assert_eq!((depot.pickups(), depot.committed()), (1, Some(1)));
}

#[tokio::test(start_paused = true)]
async fn the_commit_of_a_guarded_call_is_planned_again_but_the_call_is_not_made_again() {
    #[derive(Clone, Default)]
    struct Versioned(Arc<AtomicU32>, Arc<AtomicU32>);
    impl Guarded<Shipped> for Versioned {
        type Answer = ();
        async fn call(&self, _: &Event<Shipped>) -> Result<(), CallError> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
        async fn commit(&self, event: &Event<Shipped>, (): &()) -> Result<Commit, Failure> {
            let stale = self.1.fetch_add(1, Ordering::SeqCst) == 0;
            let condition = if stale {
                Condition::exists("never")
            } else {
                Condition::absent("never")
            };
            Ok(Commit::of(
                weights().update(row_of(event)).add("weight", 1).only_if(condition),
            ))
        }
    }
    let handler = Versioned::default();
    let kit = TestConsumer::new(Consumer::named("versioned").guarded(handler.clone()));
    assert_eq!(kit.receive(&[&shipped("p", 1)]).await, [Verdict::Done]);
    assert_eq!(
        (handler.0.load(Ordering::SeqCst), handler.1.load(Ordering::SeqCst)),
        (1, 2)
    );
}

#[tokio::test(start_paused = true)]
async fn an_event_that_contradicts_the_leased_one_is_parked() {
    let depot = Depot::new();
    depot.deliver(Ending::LosesTheAnswer, true).await;
    let other = shipped("p", 999).with_id(depot.event.id());
    let verdict = depot.process(Ending::Answers, true).receive(&[&other]).await.remove(0);
    assert_eq!(parked_as(&verdict), Some(ParkReason::ContradictsHandled));
}

// ------------------------------------------------------------ layers

#[tokio::test(start_paused = true)]
async fn layers_wrap_handlers_of_every_class_and_their_own_errors_may_pass() {
    async fn slow(event: Event<Shipped>) -> Result<Commit, Failure> {
        tokio::time::sleep(Duration::from_secs(event.payload().weight as u64)).await;
        Ok(Commit::nothing())
    }
    let seen = Arc::new(AtomicU32::new(0));
    let counter = seen.clone();
    let count = tower::layer::layer_fn(move |handler| {
        let counter = counter.clone();
        tower::util::MapRequest::new(handler, move |message: Message| {
            counter.fetch_add(message.receive_count, Ordering::SeqCst);
            message
        })
    });
    let time_limit = tower::timeout::TimeoutLayer::new(Duration::from_secs(2));
    let consumer = Consumer::named("slow").atomic(slow).layer(time_limit).layer(count);
    let kit = TestConsumer::on(Arc::default(), consumer, virtual_time());
    let deliveries: Vec<Delivery> = [1, 3]
        .map(|weight| delivery_of(&weight.to_string(), shipped("p", weight).to_json()))
        .into();
    let verdicts = kit.receive_deliveries(&deliveries).await.0;
    assert_eq!(verdicts[0], Verdict::Done);
    assert_eq!(retried_as(&verdicts[1]), Some(RetryReason::HandlerFailed));
    assert_eq!(seen.load(Ordering::SeqCst), 2);
}
