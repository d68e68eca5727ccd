//! Views while events come.

use std::sync::Arc;
use std::time::Duration;

use onecommit_engine::{
    Consumer, Deadline, EventLog, Failure, ParkReason, RetryReason, SequencedUpdate, TableWriter, UnknownEventTypes,
    Verdict,
};
use onecommit_event::{Event, Payload};
use onecommit_event_store::Upcasters;
use onecommit_testing::{an_event, delivery_of};
use onecommit_views::{Projector, REFRESH, ViewDefinition, ViewRows};
use serde::{Deserialize, Serialize};

use crate::faults::{Fault, Faulty, out_of_reach};
use crate::world::{AMOUNTS, Balances, Closed, Deposited, World, deliver, deliveries, log, name, small_steps};

fn is_gap(verdict: &Verdict) -> bool {
    matches!(
        verdict,
        Verdict::Retry {
            reason: RetryReason::SequenceGap,
            ..
        }
    )
}

#[tokio::test(start_paused = true)]
async fn an_event_feeds_every_view_and_a_copy_of_it_none() {
    let world = World::new();
    let (events, projector) = (world.history(2, 3).await, world.projector());
    let events: Vec<&Event> = events.iter().collect();
    assert_eq!(deliver(&projector, &events).await, vec![Verdict::Done; 7]);
    assert_eq!(deliver(&projector, &events).await, vec![Verdict::Duplicate; 7]);
    assert_eq!(deliver(&world.projector(), &events).await, vec![Verdict::Duplicate; 7]);
    assert_eq!(world.shown(1, 1).await, world.recount().await);
}

#[tokio::test(start_paused = true)]
async fn a_message_costs_one_request_for_each_view() {
    let world = World::new();
    let (first, second) = (world.deposit("acc_1", 5).await, world.deposit("acc_1", 6).await);
    let projector = world.projector();
    deliver(&projector, &[&first]).await;
    let before = world.database.requests();
    deliver(&projector, &[&second]).await;
    assert_eq!(world.database.requests() - before, 2);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_comes_too_early_comes_back_later() {
    let world = World::new();
    let (first, second) = (world.deposit("acc_1", 5).await, world.deposit("acc_1", 6).await);
    let projector = world.projector();
    assert!(is_gap(&deliver(&projector, &[&second]).await[0]));
    assert_eq!(deliver(&projector, &[&first]).await, [Verdict::Done]);
    assert_eq!(deliver(&projector, &[&second]).await, [Verdict::Done]);
    assert_eq!(world.shown(1, 1).await, world.recount().await);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_comes_too_early_finds_those_before_it_in_the_store() {
    let world = World::new();
    for amount in 1..=150 {
        world.deposit("acc_long", amount).await;
    }
    let early = world.deposit("acc_long", 1).await;
    let earlier = world.deposit("acc_long", 2).await;
    let projector = world.projector().catching_up_from(log());
    let verdicts = deliver(&projector, &[&earlier, &early]).await;
    assert_eq!(verdicts, [Verdict::Done, Verdict::Done]);
    assert_eq!(world.shown(1, 1).await.balances, world.recount().await.balances);
    let requests = world.database.requests();
    world.deposit("acc_long", 3).await;
    let next = world.deposit("acc_long", 4).await;
    let stored = world.database.requests();
    assert_eq!(deliver(&projector, &[&next]).await, [Verdict::Done]);
    assert!(
        world.database.requests() - stored < 20,
        "it goes back no further than it has to: {requests}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_leaves_it_to_the_queue() {
    let world = World::new();
    world.deposit("acc_1", 5).await;
    let (second, other) = (world.deposit("acc_1", 6).await, world.deposit("acc_2", 6).await);
    let projector = world.projector_of(vec![Arc::new(Balances)]).catching_up_from(log());
    deliver(&projector, &[&other]).await;
    // The write finds the gap; the store is not there for as long as its reading is repeated.
    let database = Arc::clone(&world.database);
    let refuse = async {
        database.fail_next(onecommit_engine::DatabaseError::Cancelled(vec![
            onecommit_engine::Cancellation::ConditionFailed(None),
        ]));
        (0..4).for_each(|_| database.fail_next(out_of_reach()));
    };
    refuse.await;
    assert!(is_gap(&deliver(&projector, &[&second]).await[0]));
    assert_eq!(deliver(&projector, &[&second]).await, [Verdict::Done]);
}

#[tokio::test(start_paused = true)]
async fn what_follows_a_row_without_an_event_is_parked_at_once() {
    let world = World::new();
    let first = world.deposit("acc_1", 5).await;
    let second = world.deposit("acc_1", 6).await;
    let damage = log().table().update(EventLog::key(first.aggregate(), 1));
    world
        .database
        .write(&damage.set("event", "{ nonsense").into())
        .await
        .unwrap();
    let projector = world.projector_of(vec![Arc::new(Balances)]).catching_up_from(log());
    let verdicts = deliver(&projector, &[&second]).await;
    let [Verdict::Park { reason, error }] = &verdicts[..] else {
        panic!("{verdicts:?}")
    };
    assert_eq!(*reason, ParkReason::SequenceGap);
    assert!(error.contains("version 1 of Account#acc_1"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_not_from_the_store_is_passed_over() {
    let world = World::new();
    let stored = world.deposit("acc_1", 5).await;
    let not_stored = an_event("Account", "acc_1", Deposited { amount: 6 });
    let verdicts = deliver(&world.projector(), &[&not_stored, &stored]).await;
    assert_eq!(verdicts, [Verdict::Ignored, Verdict::Done]);
    assert_eq!(world.shown(1, 1).await, world.recount().await);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_no_event_is_parked_once() {
    let world = World::new();
    let verdicts = world
        .projector()
        .handle(&[delivery_of("m-1", "{")], Deadline::none())
        .await;
    assert!(matches!(
        verdicts[..],
        [Verdict::Park {
            reason: ParkReason::MalformedBody,
            ..
        }]
    ));
}

#[derive(Serialize, Deserialize)]
struct Renamed {}

impl Payload for Renamed {
    const EVENT_TYPE: &'static str = "Renamed";
}

#[tokio::test(start_paused = true)]
async fn an_event_type_that_no_view_handles_follows_the_policy() {
    let world = World::new();
    let renamed = world.store("acc_1", Renamed {}).await;
    let closed = world.store("acc_2", Closed {}).await;
    let verdicts = deliver(&world.projector(), &[&renamed, &closed]).await;
    assert!(
        matches!(
            verdicts[0],
            Verdict::Park {
                reason: ParkReason::UnknownEventType,
                ..
            }
        ),
        "{verdicts:?}"
    );
    assert_eq!(verdicts[1], Verdict::Done, "one of the views handles it");
    let ignoring = onecommit_engine::Settings::default().unknown_event_types(UnknownEventTypes::Ignore);
    let engines = world.engines().with(ignoring);
    let projector = Projector::new(vec![Arc::new(Balances)], engines, world.control(), REFRESH).unwrap();
    assert_eq!(deliver(&projector, &[&renamed]).await, [Verdict::Ignored]);
}

#[tokio::test(start_paused = true)]
async fn an_event_of_a_newer_schema_is_parked_and_may_be_redriven_when_the_code_knows_it() {
    /// The deposit as newer code writes it.
    #[derive(Serialize, Deserialize)]
    struct NewerDeposit {
        amount: i64,
    }
    impl Payload for NewerDeposit {
        const EVENT_TYPE: &'static str = "Deposited";
        const SCHEMA_VERSION: u32 = 2;
    }
    /// The view in newer code.
    struct NewerBalances;
    impl ViewDefinition for NewerBalances {
        fn name(&self) -> &str {
            "balances"
        }
        fn handlers(&self, consumer: Consumer, rows: ViewRows) -> Consumer {
            consumer.sequenced(move |event: &Event<NewerDeposit>| -> Result<SequencedUpdate, Failure> {
                let row = rows.update(event.aggregate().id(), "balance");
                Ok(SequencedUpdate::accumulating(
                    row.add("balance", event.payload().amount),
                ))
            })
        }
    }
    let world = World::new();
    let newer = world.store("acc_1", NewerDeposit { amount: 5 }).await;
    let after = world.store("acc_1", NewerDeposit { amount: 6 }).await;
    let old_code = world.projector();
    let verdicts = deliver(&old_code, &[&newer]).await;
    assert!(matches!(
        verdicts[..],
        [Verdict::Park {
            reason: ParkReason::UnknownSchemaVersion,
            ..
        }]
    ));
    let new_code = world.projector_of(vec![Arc::new(NewerBalances)]);
    assert!(
        is_gap(&deliver(&new_code, &[&after]).await[0]),
        "nothing is made up over what is missing"
    );
    assert_eq!(
        deliver(&new_code, &[&newer, &after]).await,
        [Verdict::Done, Verdict::Done]
    );
    assert_eq!(world.shown(1, 1).await.balances["acc_1"], (11, 2));
}

#[tokio::test(start_paused = true)]
async fn a_payload_of_an_older_schema_is_brought_up_for_the_handler_alone() {
    #[derive(Serialize, Deserialize)]
    struct DepositOf2 {
        amount: i64,
        currency: String,
    }
    impl Payload for DepositOf2 {
        const EVENT_TYPE: &'static str = "Deposited";
        const SCHEMA_VERSION: u32 = 2;
    }
    struct Currencies;
    impl ViewDefinition for Currencies {
        fn name(&self) -> &str {
            "currencies"
        }
        fn handlers(&self, consumer: Consumer, rows: ViewRows) -> Consumer {
            consumer.atomic(move |event: Event<DepositOf2>| {
                let row = rows.update(&event.payload().currency, "count").add("count", 1);
                async move { Ok(onecommit_engine::Commit::of(row)) }
            })
        }
    }
    let world = World::new();
    let engines = || {
        world
            .engines()
            .with_upcasters(Upcasters::default().and("Deposited", 1, |mut payload| {
                payload["currency"] = "EUR".into();
                Ok(payload)
            }))
    };
    let old = world.deposit("acc_1", 5).await;
    let views: Vec<Arc<dyn ViewDefinition>> = vec![Arc::new(Currencies)];
    let projector = Projector::new(views, engines(), world.control(), REFRESH).unwrap();
    assert_eq!(deliver(&projector, &[&old]).await, [Verdict::Done]);
    let rebuild = onecommit_views::Rebuild::new(Arc::new(Currencies), engines(), world.control(), log()).unwrap();
    rebuild
        .with(small_steps())
        .run(|_| onecommit_views::Next::GoOn)
        .await
        .unwrap();
    world.wait(REFRESH).await;
    // Live and replayed say the same of the event, so a copy is a copy and no contradiction.
    assert_eq!(deliver(&projector, &[&old]).await, [Verdict::Duplicate]);
    assert_eq!(world.rows_of("currencies", 2).await["EUR"]["count"].as_i64(), Some(1));
}

#[tokio::test(start_paused = true)]
async fn without_the_control_rows_nothing_is_handled_and_everything_comes_back() {
    let world = World::new();
    let event = world.deposit("acc_1", 5).await;
    let projector = world.projector();
    (0..4).for_each(|_| world.database.fail_next(out_of_reach()));
    let verdicts = deliver(&projector, &[&event]).await;
    let [Verdict::Retry { reason, .. }] = &verdicts[..] else {
        panic!("{verdicts:?}")
    };
    assert_eq!(*reason, RetryReason::DatabaseUnavailable);
    assert_eq!(world.database.count("views"), 0);
    assert_eq!(deliver(&projector, &[&event]).await, [Verdict::Done]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_has_its_verdicts_before_the_invocation_ends_though_the_database_never_answers() {
    // The control rows; what was missed, in the store; the lags.
    for number in 1..=3 {
        let world = World::new();
        let (first, second) = (world.deposit("acc_1", 5).await, world.deposit("acc_1", 6).await);
        let silent = Faulty::at(&world.database, number, Fault::DiesBefore);
        let control = world.control_on(silent.clone());
        let views: Vec<Arc<dyn ViewDefinition>> = vec![Arc::new(Balances)];
        let projector = Projector::new(views, world.engines(), control, REFRESH).unwrap();
        let projector = projector.catching_up_from(log());
        let invocation = Deadline::after(Duration::from_secs(30), world.environment.clock());
        let batch = deliveries(&[&second]);
        let handled = projector.handle(&batch, invocation);
        let verdicts = tokio::time::timeout(Duration::from_secs(30), handled).await.unwrap();
        assert!(silent.happened(), "at request {number}");
        assert_eq!(
            verdicts[0] == Verdict::Done,
            number == 3,
            "at request {number}: {verdicts:?}"
        );
        deliver(&world.projector(), &[&first, &second]).await;
        assert_eq!(world.shown(1, 1).await.balances, world.recount().await.balances);
    }
}

#[tokio::test(start_paused = true)]
async fn a_control_row_of_newer_code_is_named_and_nothing_is_guessed() {
    let world = World::new();
    let event = world.deposit("acc_1", 5).await;
    let row = [
        ("revision", 1.into()),
        ("writer", "x".into()),
        ("state", r#"{"active":"two"}"#.into()),
    ]
    .map(|(name, value): (&str, onecommit_engine::Value)| (name.to_owned(), value));
    let put =
        onecommit_engine::Table::new("views").put(onecommit_engine::Key::of_view("view-control", "balances"), row);
    TableWriter::write(&*world.database, &put.into()).await.unwrap();
    let verdicts = deliver(&world.projector(), &[&event]).await;
    let [Verdict::Retry { error, .. }] = &verdicts[..] else {
        panic!("{verdicts:?}")
    };
    assert!(error.contains("balances") && error.contains("newer code"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn how_far_behind_a_view_is_shows_in_metrics_and_status() {
    let world = World::new();
    let (first, second) = (world.deposit("acc_1", 5).await, world.deposit("acc_1", 6).await);
    let projector = world.projector();
    world.wait(Duration::from_secs(3)).await;
    deliver(&projector, &[&first]).await;
    let tallies = projector.take_tallies();
    let balances = tallies.iter().find(|tally| tally.name == "balances").unwrap();
    assert_eq!(
        (balances.lags.as_slice(), balances.tally.handled),
        (&[Duration::from_secs(3)][..], 1)
    );
    let status = world
        .control()
        .status(&[name("balances"), name("amounts")])
        .await
        .unwrap();
    assert_eq!(status.len(), 2);
    assert!(
        status
            .iter()
            .all(|view| view.lag.is_some_and(|lag| lag.behind_ms == 3_000)),
        "{status:?}"
    );
    // A copy is no news of how far behind the view is.
    deliver(&projector, &[&first]).await;
    assert!(projector.take_tallies().iter().all(|tally| tally.lags.is_empty()));
    world.wait(REFRESH).await;
    deliver(&projector, &[&second]).await;
    let status = world.control().status(&[]).await.unwrap();
    assert_eq!(status, [], "views without a row are shown when they are asked for");
    let status = world.control().status(&[name("amounts")]).await.unwrap();
    assert_eq!(status[0].lag.map(|lag| lag.behind_ms), Some(18_000));
    assert_eq!(
        (status[0].active.map(|active| active.number()), &status[0].building),
        (Some(1), &None)
    );
}

#[tokio::test(start_paused = true)]
async fn a_view_with_a_name_that_cannot_be_one_is_refused() {
    struct Unnamed;
    impl ViewDefinition for Unnamed {
        fn name(&self) -> &str {
            "amounts@1#x"
        }
        fn handlers(&self, consumer: Consumer, _: ViewRows) -> Consumer {
            consumer
        }
    }
    let world = World::new();
    let views: Vec<Arc<dyn ViewDefinition>> = vec![Arc::new(AMOUNTS), Arc::new(Unnamed)];
    assert!(Projector::new(views, world.engines(), world.control(), REFRESH).is_err());
}
