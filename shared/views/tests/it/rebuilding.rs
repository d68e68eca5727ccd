//! Rebuilds, in peace and among crashes.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join;
use onecommit_engine::{Deadline, Verdict};
use onecommit_event::Event;
use onecommit_views::{Next, Phase, Projector, REFRESH, ReadError, Rebuild, RebuildError, Rebuilt, ViewDefinition};

use crate::faults::{Fault, Faulty, out_of_reach};
use crate::world::{AMOUNTS, Amounts, Balances, World, deliver, deliveries, log, name, small_steps};

fn go_on(_: &onecommit_views::Progress) -> Next {
    Next::GoOn
}

async fn switched(rebuild: &Rebuild) -> u64 {
    match rebuild.run(go_on).await.unwrap() {
        Rebuilt::Switched { generation, .. } => generation.number(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_rebuilt_view_shows_what_the_store_says() {
    let world = World::new();
    world.history(5, 4).await;
    assert_eq!(switched(&world.rebuild(Balances)).await, 2);
    assert_eq!(switched(&world.rebuild(AMOUNTS)).await, 2);
    assert_eq!(world.shown(2, 2).await, world.recount().await);
    assert_eq!(switched(&world.rebuild(Balances)).await, 3);
}

/// Delivers events of all kinds while something else goes on: in disorder, twice, some of them late.
async fn traffic(world: &World, projectors: &[Projector], rounds: u32) {
    for round in 0..rounds {
        let accounts = [format!("acc_{}", round % 5), format!("new_{round}")];
        let (early, late) = (
            world.deposit(&accounts[0], 1).await,
            world.deposit(&accounts[0], 7).await,
        );
        let other = world.deposit(&accounts[1], 3).await;
        let projector = &projectors[round as usize % projectors.len()];
        let mut open = deliveries(&[&late, &other, &late, &early]);
        while !open.is_empty() {
            let verdicts = projector.handle(&open, Deadline::none()).await;
            let comes_back = |verdict: &Verdict| matches!(verdict, Verdict::Retry { .. });
            assert!(
                !verdicts.iter().any(|verdict| matches!(verdict, Verdict::Park { .. })),
                "{verdicts:?}"
            );
            let mut verdicts = verdicts.iter();
            open.retain(|_| verdicts.next().is_some_and(comes_back));
            world.wait(Duration::from_secs(1)).await;
        }
        world.wait(Duration::from_secs(4)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn events_that_come_during_a_rebuild_are_in_both_generations_once() {
    for seed in 0..5 {
        let world = World::seeded(seed);
        let events = world.history(5, 8).await;
        let events: Vec<&Event> = events.iter().collect();
        // Two processes that look at the control rows at different times.
        let projectors = [
            world.projector().catching_up_from(log()),
            world.projector().catching_up_from(log()),
        ];
        deliver(&projectors[0], &events).await;
        world.wait(Duration::from_secs(seed)).await;
        let slow = small_steps().events_per_second_max(Some(1));
        let (balances, amounts) = (
            world.rebuild(Balances).with(slow.clone()),
            world.rebuild(AMOUNTS).with(slow),
        );
        let rebuilds = join(balances.run(go_on), amounts.run(go_on));
        let (rebuilt, ()) = join(rebuilds, traffic(&world, &projectors, 30)).await;
        assert!(matches!(
            rebuilt,
            (Ok(Rebuilt::Switched { .. }), Ok(Rebuilt::Switched { .. }))
        ));
        assert_eq!(world.shown(2, 2).await, world.recount().await, "seed {seed}");
        traffic(&world, &projectors, 10).await;
        assert_eq!(
            world.shown(2, 2).await,
            world.recount().await,
            "after the switch, seed {seed}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_with_old_knowledge_loses_nothing() {
    let world = World::new();
    let projector = world.projector();
    let before = world.deposit("acc_1", 5).await;
    deliver(&projector, &[&before]).await;
    // It has just looked; now the rebuild is announced, and an event comes that the process hands to generation 1 only.
    let rebuild = world.rebuild(AMOUNTS);
    let meanwhile = async {
        world.wait(Duration::from_secs(1)).await;
        let event = world.deposit("acc_2", 6).await;
        deliver(&projector, &[&event]).await;
        assert_eq!(world.rows_of("amounts", 2).await.len(), 0);
        // Once the refresh time is over, it hands events to both.
        world.wait(REFRESH).await;
        let event = world.deposit("acc_3", 7).await;
        deliver(&projector, &[&event]).await;
        assert_eq!(world.rows_of("amounts", 2).await.len(), 1);
    };
    join(async { switched(&rebuild).await }, meanwhile).await;
    assert_eq!(world.shown(1, 2).await.amounts, world.recount().await.amounts);
}

#[tokio::test(start_paused = true)]
async fn readers_see_the_old_generation_until_the_new_one_is_whole() {
    let world = World::new();
    world.history(5, 4).await;
    let (reader, rebuild) = (world.reader("balances"), world.rebuild(Balances));
    let mut seen = Vec::new();
    let watching = async {
        for _ in 0..12 {
            seen.push(reader.rows().await.unwrap().key("acc_1", "balance"));
            world.wait(Duration::from_secs(10)).await;
        }
    };
    join(async { switched(&rebuild).await }, watching).await;
    seen.dedup();
    let expected =
        [1, 2].map(|generation| onecommit_engine::Key::of_view(format!("balances@{generation}#acc_1"), "balance"));
    assert_eq!(seen, expected);
}

/// A rebuild in a process that comes to this fault at this request.
fn faulty_rebuild(world: &World, number: u64, fault: Fault) -> (Rebuild, Arc<Faulty>) {
    let database = Faulty::at(&world.database, number, fault);
    let engines = world.engines_on(database.clone());
    let control = world.control_on(database.clone());
    let rebuild = Rebuild::new(Arc::new(AMOUNTS), engines, control, log()).unwrap();
    (rebuild.with(small_steps()), database)
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_request_is_gone_on_with_and_counts_nothing_twice() {
    for fault in [Fault::DiesBefore, Fault::DiesAfter] {
        for number in 1.. {
            assert!(number < 500, "a rebuild takes no more requests than that");
            let world = World::new();
            // Four in each account and in each page, and three at once: the last of an account is handled when the position
            // is already that of the next one, whose events alone are read again from there.
            world.history(4, 4).await;
            let (doomed, database) = faulty_rebuild(&world, number, fault);
            let _ = tokio::time::timeout(Duration::from_secs(3600), doomed.run(go_on)).await;
            if !database.happened() {
                assert!(number > 10, "it takes some requests");
                break;
            }
            let status = world.control().status(&[name("amounts")]).await.unwrap().remove(0);
            // It may have died just after the switch. Otherwise it is gone on with, or begun anew.
            if status.active.map(|active| active.number()) == Some(1) {
                assert_eq!(
                    switched(&world.rebuild(AMOUNTS)).await,
                    2,
                    "{fault:?} at request {number}"
                );
            }
            let (shown, expected) = (world.shown(1, 2).await, world.recount().await);
            assert_eq!(shown.amounts, expected.amounts, "{fault:?} at request {number}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_to_any_request_is_cleared_up() {
    for number in 1.. {
        assert!(number < 500, "a rebuild takes no more requests than that");
        let world = World::new();
        world.history(4, 3).await;
        let (rebuild, database) = faulty_rebuild(&world, number, Fault::AnswerLost);
        assert_eq!(switched(&rebuild).await, 2, "at request {number}");
        let (shown, expected) = (world.shown(1, 2).await, world.recount().await);
        assert_eq!(shown.amounts, expected.amounts, "at request {number}");
        if !database.happened() {
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_rebuilds_at_once_one_is_refused_by_name() {
    let world = World::new();
    world.history(4, 3).await;
    let (one, other) = (world.rebuild(Balances), world.rebuild(Balances));
    let (first, second) = join(one.run(go_on), other.run(go_on)).await;
    let refused = [&first, &second]
        .into_iter()
        .filter(|result| matches!(result, Err(RebuildError::AlreadyRunning(view, _)) if *view == name("balances")))
        .count();
    assert_eq!(refused, 1, "{first:?} {second:?}");
    assert!(first.is_ok() || second.is_ok());
    assert_eq!(world.shown(2, 1).await.balances, world.recount().await.balances);
}

#[tokio::test(start_paused = true)]
async fn a_rebuild_that_slept_too_long_finds_that_another_has_taken_over() {
    let world = World::new();
    world.history(4, 3).await;
    // Held back after each batch for longer than it owns the rebuild.
    let sleepy = small_steps()
        .events_per_second_max(Some(1))
        .events_at_once(10)
        .owned_for(Duration::from_secs(5));
    let (sleepy, quick) = (world.rebuild(AMOUNTS).with(sleepy), world.rebuild(AMOUNTS));
    let (slept, taken) = join(sleepy.run(go_on), async {
        world.wait(Duration::from_secs(75 + 8)).await;
        quick.run(go_on).await
    })
    .await;
    assert!(matches!(slept, Err(RebuildError::TakenOver(_))), "{slept:?}");
    assert!(matches!(taken, Ok(Rebuilt::Switched { .. })), "{taken:?}");
    assert_eq!(world.shown(1, 2).await.amounts, world.recount().await.amounts);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_handled_is_reported_and_keeps_the_view_as_it_was() {
    let world = World::new();
    world.history(3, 3).await;
    let unlucky = world.deposit("acc_1", 13).await;
    world.deposit("acc_2", 2).await;
    let error = world.rebuild(Amounts { takes_13: false }).run(go_on).await.unwrap_err();
    let RebuildError::Parked(view, parked) = &error else {
        panic!("{error:?}")
    };
    assert_eq!((view, parked.count), (&name("amounts"), 1));
    assert_eq!(parked.first[0].event_id, unlucky.id().to_string());
    assert_eq!(
        (parked.first[0].stream.as_str(), parked.first[0].version),
        ("Account#acc_1", 4)
    );
    assert!(error.to_string().contains("thirteen"), "{error}");
    let status = world.control().status(&[]).await.unwrap().remove(0);
    assert_eq!(status.active.map(|active| active.number()), Some(1));
    let building = status.building.unwrap();
    assert_eq!((building.is_running, building.parked), (false, 1));
    // The code is mended: the same rebuild goes on and takes the event in.
    assert_eq!(switched(&world.rebuild(AMOUNTS)).await, 2);
    assert_eq!(world.shown(1, 2).await.amounts, world.recount().await.amounts);
}

#[tokio::test(start_paused = true)]
async fn who_tolerates_it_gets_the_view_without_what_cannot_be_handled() {
    let world = World::new();
    world.deposit("acc_1", 13).await;
    world.deposit("acc_1", 2).await;
    let tolerant = small_steps().tolerates_parked(true);
    let rebuilt = world
        .rebuild(Amounts { takes_13: false })
        .with(tolerant)
        .run(go_on)
        .await
        .unwrap();
    let Rebuilt::Switched { parked, events, .. } = rebuilt else {
        panic!("{rebuilt:?}")
    };
    assert_eq!((parked.count, events), (1, 2));
    assert_eq!(world.shown(1, 2).await.amounts, [("2".to_owned(), 1)].into());
}

#[tokio::test(start_paused = true)]
async fn a_paused_rebuild_is_gone_on_with_where_it_was() {
    let world = World::new();
    world.history(6, 6).await;
    let rebuild = world.rebuild(AMOUNTS);
    let (mut paused, mut told) = (0, Vec::new());
    loop {
        let mut batches = 0;
        let rebuilt = rebuild.run(|progress| {
            batches += 1;
            told.push(progress.phase);
            if progress.phase == Phase::Replaying && batches > 3 {
                Next::Pause
            } else {
                Next::GoOn
            }
        });
        match rebuilt.await.unwrap() {
            Rebuilt::Paused(progress) => assert!(progress.events > 0),
            Rebuilt::Switched { events, .. } => {
                assert!(events < 2 * 37, "it did not begin anew each time: {events}");
                break;
            }
        }
        paused += 1;
    }
    assert!(paused > 2, "{told:?}");
    assert_eq!(world.shown(1, 2).await.amounts, world.recount().await.amounts);
}

#[tokio::test(start_paused = true)]
async fn a_rebuild_takes_no_more_events_per_second_than_it_may() {
    let world = World::new();
    world.history(3, 10).await;
    let started = world.environment.clock().now();
    let gentle = small_steps().events_per_second_max(Some(1)).known_after(Duration::ZERO);
    world.rebuild(Balances).with(gentle).run(go_on).await.unwrap();
    assert!(world.environment.clock().now().since(started) >= Duration::from_secs(28));
}

#[tokio::test(start_paused = true)]
async fn what_serves_no_more_is_deleted_when_nobody_can_write_to_it_any_more() {
    let world = World::new();
    let events = world.history(5, 2).await;
    deliver(&world.projector(), &events.iter().collect::<Vec<_>>()).await;
    let rebuild = world.rebuild(Balances);
    switched(&rebuild).await;
    let cleaned = rebuild.clean().await.unwrap();
    assert_eq!((cleaned.rows, cleaned.gone.len(), cleaned.waiting.len()), (0, 0, 1));
    let (kept, others) = (world.rows_of("balances", 2).await, world.rows_of("amounts", 1).await);
    world.wait(Duration::from_secs(20 * 60)).await;
    world.database.fail_next(out_of_reach());
    let cleaned = rebuild.clean().await.unwrap();
    assert_eq!((cleaned.rows, cleaned.gone.len(), cleaned.waiting.len()), (5, 1, 0));
    assert_eq!(world.rows_of("balances", 1).await, [].into());
    assert_eq!(
        (world.rows_of("balances", 2).await, world.rows_of("amounts", 1).await),
        (kept, others)
    );
    assert_eq!(rebuild.clean().await.unwrap().rows, 0);
}

#[tokio::test(start_paused = true)]
async fn an_abandoned_rebuild_leaves_the_view_as_it_was_and_its_number_is_not_used_again() {
    let world = World::new();
    world.history(3, 2).await;
    let rebuild = world.rebuild(Balances);
    assert!(matches!(rebuild.abandon().await, Err(RebuildError::NotBuilding(_))));
    let (running, refused) = join(rebuild.run(go_on), async {
        world.wait(Duration::from_secs(5)).await;
        rebuild.abandon().await
    })
    .await;
    assert!(
        running.is_ok() && matches!(refused, Err(RebuildError::AlreadyRunning(..))),
        "{refused:?}"
    );
    let paused = rebuild.run(|_| Next::Pause).await.unwrap();
    assert!(matches!(paused, Rebuilt::Paused(_)));
    rebuild.abandon().await.unwrap();
    let generations = world.control().generations(&name("balances")).await.unwrap();
    assert_eq!(
        (generations.active.map(|active| active.number()), generations.building),
        (Some(2), None)
    );
    assert_eq!(switched(&rebuild).await, 4);
}

#[tokio::test(start_paused = true)]
async fn a_rebuild_older_than_the_ledgers_memory_is_not_gone_on_with() {
    let world = World::new();
    world.history(3, 2).await;
    let rebuild = world.rebuild(AMOUNTS);
    let mut steps = 0;
    let paused = rebuild.run(|progress| {
        steps += u32::from(progress.phase == Phase::Replaying);
        if steps > 1 { Next::Pause } else { Next::GoOn }
    });
    assert!(matches!(paused.await, Ok(Rebuilt::Paused(_))));
    world.wait(Duration::from_secs(30 * 24 * 3600)).await;
    assert!(matches!(rebuild.run(go_on).await, Err(RebuildError::TooOld(..))));
    rebuild.abandon().await.unwrap();
    assert_eq!(switched(&rebuild).await, 3);
    assert_eq!(world.shown(1, 3).await.amounts, world.recount().await.amounts);
}

#[tokio::test(start_paused = true)]
async fn a_view_added_to_a_store_with_events_shows_nothing_until_it_is_built() {
    let world = World::new();
    let events = world.history(3, 2).await;
    let control = world.control();
    control.announce(&name("balances")).await.unwrap();
    assert!(control.announce(&name("balances")).await.is_err());
    let views: Vec<Arc<dyn ViewDefinition>> = vec![Arc::new(Balances)];
    let projector = world.projector_of(views);
    assert_eq!(deliver(&projector, &[&events[1]]).await, [Verdict::Ignored]);
    let reader = world.reader("balances");
    assert!(matches!(reader.rows().await, Err(ReadError::NotBuilt(_))));
    assert_eq!(switched(&world.rebuild(Balances)).await, 1);
    world.wait(REFRESH).await;
    assert!(reader.rows().await.is_ok());
    assert_eq!(world.shown(1, 1).await.balances, world.recount().await.balances);
}

#[tokio::test(start_paused = true)]
async fn a_database_that_is_gone_stops_the_rebuild_and_is_gone_on_with_when_it_is_back() {
    let world = World::new();
    world.history(3, 3).await;
    let rebuild = world.rebuild(AMOUNTS);
    let mut batches = 0;
    let failed = rebuild.run(|progress| {
        if progress.phase == Phase::Replaying {
            batches += 1;
        }
        if batches == 1 {
            (0..400).for_each(|_| world.database.fail_next(out_of_reach()));
        }
        Next::GoOn
    });
    let error = failed.await.unwrap_err();
    assert!(
        !matches!(error, RebuildError::Parked(..)),
        "it is not the events' fault: {error:?}"
    );
    for _ in 0..400 {
        // Whatever is left of the outage.
        let _ = world
            .store
            .version(&onecommit_event::Aggregate::new("Account", "x").unwrap())
            .await;
    }
    world.wait(Duration::from_secs(120)).await;
    assert_eq!(switched(&rebuild).await, 2);
    assert_eq!(world.shown(1, 2).await.amounts, world.recount().await.amounts);
}

#[tokio::test(start_paused = true)]
async fn an_announcement_whose_answer_got_lost_is_made() {
    for number in 1..=2 {
        let world = World::new();
        let database = Faulty::at(&world.database, number, Fault::AnswerLost);
        let control = world.control_on(database);
        control.announce(&name("balances")).await.unwrap();
        let generations = world.control().generations(&name("balances")).await.unwrap();
        assert_eq!(generations.active, None, "at request {number}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_row_that_holds_no_event_is_named_and_does_not_keep_the_others_from_being_told() {
    let world = World::new();
    world.history(3, 3).await;
    let broken = onecommit_event::Aggregate::new("Account", "acc_1").unwrap();
    let row = [("event".to_owned(), "{broken".into())];
    let put = log().table().put(onecommit_engine::EventLog::key(&broken, 1), row);
    onecommit_engine::TableWriter::write(&*world.database, &put.into())
        .await
        .unwrap();
    let error = world.rebuild(AMOUNTS).run(go_on).await.unwrap_err();
    let RebuildError::Parked(_, parked) = &error else {
        panic!("{error:?}")
    };
    assert_eq!((parked.count, parked.first[0].version), (1, 1));
    assert!(error.to_string().contains("version 1 of Account#acc_1"), "{error}");
    let tolerant = small_steps().tolerates_parked(true);
    world.rebuild(AMOUNTS).with(tolerant).run(go_on).await.unwrap();
    let amounts = world.shown(1, 2).await.amounts;
    let expected = [("1", 2), ("2", 3), ("3", 3)].map(|(amount, count)| (amount.to_owned(), count));
    assert_eq!(amounts, expected.into());
}
