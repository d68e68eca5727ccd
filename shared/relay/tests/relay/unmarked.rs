//! Events that are appended without a mark: the table's stream says what has to leave, and only what is stuck is marked.

use std::time::Duration;

use onecommit_engine::{Deadline, QueueError};
use onecommit_environment::Clock;
use onecommit_event::Event;
use onecommit_publish::FailureKind;
use onecommit_relay::{Backfill, Outcome, Recovered, stuck_events};

use super::{World, backfill, done, unavailable};

const YOUNG: Duration = Duration::from_secs(900);

impl World {
    /// The relay can neither publish nor park this event of `a`.
    fn keep_back(&self, event: &Event) {
        let mut refuses = self.outside.refuses.lock().unwrap();
        refuses.insert(event.id().to_string(), FailureKind::Event);
        self.dead_letters
            .refuse(|| QueueError::Transient("the queue is down".into()));
    }

    async fn relay_anew(&self, rows: &[(&str, u64)]) -> Vec<Outcome> {
        self.relay().relay(&self.records(rows).await, Deadline::none()).await
    }

    async fn recover(&self) -> Recovered {
        self.relay().recover(YOUNG, Deadline::none()).await.unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn it_costs_no_write_and_one_read_for_an_aggregate_that_is_new_to_the_process() {
    let world = World::without_marks();
    world.append("a", 0, 4).await;
    let relay = world.relay();
    let before = world.tables.requests();
    let first = world.records(&[("a", 2), ("a", 3)]).await;
    let reads_of_the_test = world.tables.requests() - before;
    assert!(done(&relay.relay(&first, Deadline::none()).await));
    assert_eq!(world.tables.requests() - before - reads_of_the_test, 1);
    assert_eq!(world.outside.of("a"), [2, 3], "the stream told of the first before");

    let next = world.records(&[("a", 4)]).await;
    let before = world.tables.requests();
    assert!(done(&relay.relay(&next, Deadline::none()).await));
    assert_eq!(world.tables.requests(), before);
}

#[tokio::test(start_paused = true)]
async fn the_first_event_of_an_aggregate_costs_no_request() {
    let world = World::without_marks();
    world.append("a", 0, 1).await;
    let records = world.records(&[("a", 1)]).await;
    let before = world.tables.requests();
    assert!(done(&world.relay().relay(&records, Deadline::none()).await));
    assert_eq!(world.tables.requests(), before);
}

#[tokio::test(start_paused = true)]
async fn a_stuck_event_is_marked_with_all_behind_it_and_a_recovery_publishes_them_in_order() {
    let world = World::without_marks();
    let poison = world.append("a", 0, 3).await[1].clone();
    world.append("b", 0, 1).await;
    world.keep_back(&poison);
    let outcomes = world.relay_anew(&[("a", 1), ("a", 2), ("a", 3), ("b", 1)]).await;
    assert!(
        matches!(
            &outcomes[..],
            [
                Outcome::Done,
                Outcome::SteppedOver(_),
                Outcome::SteppedOver(_),
                Outcome::Done
            ]
        ),
        "{outcomes:?}"
    );
    assert!(!world.is_pending("a", 1).await && !world.is_pending("b", 1).await);
    assert!(world.is_stuck("a", 2).await && world.is_stuck("a", 3).await);

    // Later events wait as well, whichever process is told of them.
    world.append("a", 3, 2).await;
    for version in [4, 5] {
        let outcomes = world.relay_anew(&[("a", version)]).await;
        assert!(matches!(&outcomes[..], [Outcome::SteppedOver(_)]), "{outcomes:?}");
        assert!(world.is_stuck("a", version).await);
    }
    assert_eq!(world.outside.of("a"), [1]);
    let listed = stuck_events(&*world.tables, &world.log, 10).await.unwrap();
    assert_eq!(listed.iter().map(|event| event.version).collect::<Vec<_>>(), [2]);
    assert_eq!(world.recover().await.stuck, 4);

    world.outside.refuses.lock().unwrap().clear();
    let recovered = world.recover().await;
    assert_eq!((recovered.found, recovered.left_over, recovered.complete), (4, 0, true));
    assert_eq!(
        (world.outside.of("a"), world.outside.copies()),
        (vec![1, 2, 3, 4, 5], 0)
    );
    for version in 1..=5 {
        assert!(!world.is_pending("a", version).await, "{version}");
    }
    world.append("a", 5, 1).await;
    assert!(done(&world.relay_anew(&[("a", 6)]).await));
    assert_eq!(world.outside.copies(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_stuck_and_cannot_be_marked_is_told_again() {
    let world = World::without_marks();
    let poison = world.append("a", 0, 2).await[0].clone();
    world.keep_back(&poison);
    let records = world.records(&[("a", 1), ("a", 2)]).await;
    world.tables.fail_next(unavailable());
    let outcomes = world.relay().relay(&records, Deadline::none()).await;
    assert!(
        matches!(&outcomes[..], [Outcome::Retry(why), Outcome::Retry(_)] if why.contains("could not be marked")),
        "{outcomes:?}"
    );
    let outcomes = world.relay().relay(&records, Deadline::none()).await;
    assert!(matches!(
        &outcomes[..],
        [Outcome::SteppedOver(_), Outcome::SteppedOver(_)]
    ));
    assert!(world.is_stuck("a", 1).await && world.is_stuck("a", 2).await);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_told_after_later_ones_is_not_lost() {
    let world = World::without_marks();
    world.append("a", 0, 6).await;
    let relay = world.relay();
    for version in [5, 4, 6, 3] {
        let records = world.records(&[("a", version)]).await;
        assert!(done(&relay.relay(&records, Deadline::none()).await), "{version}");
    }
    let mut left = world.outside.of("a");
    left.sort_unstable();
    assert_eq!((left, world.outside.copies()), (vec![3, 4, 5, 6], 0));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_was_told_late_and_is_stuck_is_recovered_by_the_process_that_published_later_ones() {
    let world = World::without_marks();
    let late = world.append("a", 0, 2).await[0].clone();
    let relay = world.relay();
    assert!(done(
        &relay.relay(&world.records(&[("a", 2)]).await, Deadline::none()).await
    ));
    world.keep_back(&late);
    let outcomes = relay.relay(&world.records(&[("a", 1)]).await, Deadline::none()).await;
    assert!(matches!(&outcomes[..], [Outcome::SteppedOver(_)]), "{outcomes:?}");
    world.outside.refuses.lock().unwrap().clear();
    let recovered = relay.recover(YOUNG, Deadline::none()).await.unwrap();
    assert_eq!((recovered.left_over, recovered.complete), (0, true));
    assert_eq!(world.outside.of("a"), [2, 1]);
    assert!(!world.is_pending("a", 1).await);
}

#[tokio::test(start_paused = true)]
async fn an_event_between_two_that_are_told_leaves_between_them() {
    let world = World::without_marks();
    world.append("a", 0, 4).await;
    let relay = world.relay();
    let records = world.records(&[("a", 2), ("a", 4)]).await;
    assert!(done(&relay.relay(&records, Deadline::none()).await));
    assert_eq!(world.outside.of("a"), [2, 3, 4]);
    // Its own record comes late.
    assert!(done(
        &relay.relay(&world.records(&[("a", 3)]).await, Deadline::none()).await
    ));
    assert_eq!(world.outside.copies(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_event_after_what_the_process_published_leaves_before_a_later_one_that_is_told_first() {
    let world = World::without_marks();
    world.append("a", 0, 5).await;
    let relay = world.relay();
    for version in [2, 5, 3, 4] {
        let records = world.records(&[("a", version)]).await;
        assert!(done(&relay.relay(&records, Deadline::none()).await), "{version}");
    }
    assert_eq!((world.outside.of("a"), world.outside.copies()), (vec![2, 3, 4, 5], 0));
}

#[tokio::test(start_paused = true)]
async fn events_that_were_marked_before_marks_were_left_out_still_leave_first_and_lose_their_marks() {
    let marked = World::new();
    marked.append("a", 0, 3).await;
    assert!(done(&marked.relay_anew(&[("a", 1)]).await));
    let world = marked.with_log(false);
    world.append("a", 3, 1).await;
    assert!(done(&world.relay_anew(&[("a", 4)]).await));
    assert_eq!(world.outside.of("a"), [1, 2, 3, 4]);
    for version in 1..=4 {
        assert!(!world.is_pending("a", version).await, "{version}");
    }
    assert_eq!(world.outside.copies(), 0);
}

#[tokio::test(start_paused = true)]
async fn events_of_writers_that_mark_and_of_writers_that_do_not_leave_in_order() {
    let marked = World::new();
    marked.append("a", 0, 1).await;
    let unmarked = marked.with_log(false);
    unmarked.append("a", 1, 1).await;
    let marked = unmarked.with_log(true);
    marked.append("a", 2, 1).await;
    marked.clock.sleep(Duration::from_secs(60)).await;
    assert!(done(&marked.relay_anew(&[("a", 1), ("a", 2), ("a", 3)]).await));
    assert_eq!(marked.outside.of("a"), [1, 2, 3]);
}

/// The stream forgets after 24 hours. Whoever keeps no marks publishes the time of the outage again.
#[tokio::test(start_paused = true)]
async fn after_an_outage_of_thirty_hours_the_events_of_that_time_are_published_again() {
    const OUTAGE: Duration = Duration::from_secs(30 * 3_600);
    let world = World::without_marks();
    world.append("a", 0, 2).await;
    world.append("b", 0, 1).await;
    assert!(done(&world.relay_anew(&[("a", 1), ("a", 2), ("b", 1)]).await));
    world.clock.sleep(Duration::from_secs(1)).await;
    let since = world.clock.now();
    // What was appended in the first hours is forgotten before the relay is told of it.
    world.append("a", 2, 2).await;
    world.append("c", 0, 1).await;
    world.clock.sleep(OUTAGE).await;
    world.append("a", 4, 1).await;
    assert!(done(&world.relay_anew(&[("a", 5)]).await));
    assert_eq!(world.recover().await.found, 0, "there is no mark to find them by");

    let range = Backfill {
        from: Some(since),
        ..Backfill::default()
    };
    let [_, matching, published] = backfill(&world, &range).await.unwrap()[..] else {
        panic!("three counts");
    };
    assert_eq!((matching, published), (4, 4), "the time before is left out");
    let mut of_a = world.outside.of("a");
    of_a.sort_unstable();
    assert_eq!(of_a, [1, 2, 3, 4, 5]);
    assert_eq!((world.outside.of("b"), world.outside.of("c")), (vec![1], vec![1]));
    assert_eq!(world.outside.copies(), 1, "consumers absorb it");
}
