//! Rows that the previous version wrote (commit 0343424): its views know what they have seen, and go on.

use onecommit_engine::{Table, Verdict};
use onecommit_event::Event;
use onecommit_views::{Next, Rebuilt};
use serde_json::Value;

use crate::world::{AMOUNTS, World, deliver};

const ROWS: &str = include_str!("../previous/rows.json");
const KEYS: [(&str, &[&str]); 3] = [
    ("views", &["pk", "sk"]),
    ("events", &["stream", "version"]),
    ("ledger", &["pk"]),
];

/// A world with those rows, and the events that the views had seen.
fn taken_over() -> (World, Vec<Event>) {
    // Ids of its own: the events that it stores are new ones.
    let (world, rows) = (World::seeded(2), serde_json::from_str::<Value>(ROWS).unwrap());
    for (table, key) in KEYS {
        let rows = rows["tables"][table].as_array().unwrap();
        world.database.load(&Table::new(table), key, rows).unwrap();
    }
    let received = rows["received"].as_array().unwrap();
    let events = received
        .iter()
        .map(|event| Event::from_json(&event.to_string()).unwrap());
    (world, events.collect())
}

#[tokio::test(start_paused = true)]
async fn events_that_the_views_have_seen_change_nothing() {
    let (world, events) = taken_over();
    let before = world.shown(1, 1).await;
    let verdicts = deliver(&world.projector(), &events.iter().collect::<Vec<_>>()).await;
    assert!(
        verdicts.iter().all(|verdict| *verdict == Verdict::Duplicate),
        "{verdicts:?}"
    );
    assert_eq!(world.shown(1, 1).await, before);
    assert_eq!(before, world.recount().await);
}

#[tokio::test(start_paused = true)]
async fn the_next_event_of_a_stream_is_added() {
    let (world, _) = taken_over();
    let next = world.deposit("acc_0", 5).await;
    assert_eq!(deliver(&world.projector(), &[&next]).await, [Verdict::Done]);
    assert_eq!(world.shown(1, 1).await, world.recount().await);
}

#[tokio::test(start_paused = true)]
async fn a_view_is_rebuilt_from_the_events_of_before() {
    let (world, _) = taken_over();
    let rebuilt = world.rebuild(AMOUNTS).run(|_| Next::GoOn).await.unwrap();
    assert!(matches!(rebuilt, Rebuilt::Switched { .. }), "{rebuilt:?}");
    assert_eq!(world.shown(1, 2).await.amounts, world.recount().await.amounts);
}
