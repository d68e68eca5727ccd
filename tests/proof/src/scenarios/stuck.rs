//! An event that can neither leave nor be parked: the topic refuses it for good, and the dead-letter queue does not answer for
//! a while. The relay steps over it, and everything else goes on.

use std::time::Duration;

use onecommit_engine::{Commit, Consumer, Delivery, EventLog, Failure, Key, ParkReason, Table, TableReader};
use onecommit_environment::Timestamp;
use onecommit_event::{Aggregate, Event, Metadata, NewEvent};
use onecommit_relay::{StuckEvent, stuck_events};
use onecommit_simulation::{EVENTS, Host, Outage, Process, QueueSettings, Scenario, Target, TopicKind, Trouble, World};

use super::copies::{nothing_lost, store_of};
use super::outbox::{DEAD_LETTERS, all_have_left, relay_and_recover};
use super::payloads::payloads;
use super::{expect, number};

payloads! {
    Told { word: i64 }
    Unspeakable { word: i64 }
}

/// Three streams, in the first of which an event is stuck, and an operator who looks for it.
pub(crate) struct Stuck {
    /// Whether events are marked until they have left.
    pub(crate) is_marked: bool,
}

const TOPIC: &str = "words";
const QUEUE: &str = "stories";
const STREAMS: [&str; 3] = ["stuck", "other", "third"];
const EVENTS_OF_EACH: i64 = 3;
/// The event that cannot leave: of the first stream, in the middle.
const STUCK_VERSION: u64 = 2;
const RECOVERS_EVERY: Duration = Duration::from_secs(180);
/// How long the dead-letter queue does not answer.
const OUT: Duration = Duration::from_secs(1500);
/// When the operator looks: long after a relay that died has gone on, and before the dead-letter queue is back.
const LOOKS_AFTER: Duration = Duration::from_secs(900);
const UNTIL_NEXT_LOOK: Duration = Duration::from_secs(10);
const LOOKS_MAX: u32 = 12;
const SEEN: &str = "stuck: ";
const LEFT: &str = "left meanwhile: ";

async fn count(event: Event<Told>) -> Result<Commit, Failure> {
    let row = Table::new(QUEUE).update(Key::new("pk", event.aggregate().id()));
    Ok(Commit::of(row.add("words", 1)))
}

/// Says what is in the list of stuck events, and of which streams everything has been handled.
async fn look(process: Process, log: EventLog, opening: Timestamp) {
    let environment = process.environment();
    // One that died and started again does not begin to wait anew.
    let waited = environment.clock().now().since(opening);
    environment.clock().sleep(LOOKS_AFTER.saturating_sub(waited)).await;
    let mut seen = String::new();
    for _ in 0..LOOKS_MAX {
        if let Ok(stuck) = stuck_events(&*process.tables(), &log, 100).await {
            let named = |event: &StuckEvent| format!("{}/{}", event.stream, event.version);
            seen = stuck.iter().map(named).collect::<Vec<_>>().join(" ");
        }
        // An index may be behind.
        if !seen.is_empty() {
            break;
        }
        environment.clock().sleep(UNTIL_NEXT_LOOK).await;
    }
    process.note(format!("{SEEN}{seen}"));
    for stream in STREAMS {
        for _ in 0..LOOKS_MAX {
            let row = process.tables().get(&Table::new(QUEUE), &Key::new("pk", stream)).await;
            if row.is_ok_and(|row| number(row.as_ref(), "words") == EVENTS_OF_EACH) {
                process.note(format!("{LEFT}{stream}"));
                break;
            }
            environment.clock().sleep(UNTIL_NEXT_LOOK).await;
        }
    }
}

/// Tells all stories at once, whatever was told before it died.
async fn tell(process: Process, log: EventLog, stream: &'static str) {
    let store = store_of(&process, log);
    let Ok(aggregate) = Aggregate::new("Story", stream) else {
        return;
    };
    let words = (1..=EVENTS_OF_EACH).map(|word| {
        if stream == STREAMS[0] && u64::try_from(word) == Ok(STUCK_VERSION) {
            NewEvent::of(&Unspeakable { word })
        } else {
            NewEvent::of(&Told { word })
        }
    });
    let Ok(words) = words.collect::<Result<Vec<_>, _>>() else {
        return;
    };
    let metadata = Metadata::caused_by("teller", stream);
    while !matches!(store.version(&aggregate).await, Ok(version) if version > 0) {
        // Whatever came of it, the next round sees it.
        let _ = store.append(&aggregate, 0, words.clone(), &metadata).await;
    }
}

impl Scenario for Stuck {
    fn name(&self) -> &'static str {
        if self.is_marked {
            "outbox, one event neither leaves nor is parked"
        } else {
            "outbox, events not marked, one neither leaves nor is parked"
        }
    }

    fn set_up(&self, world: &mut World) {
        if self.is_marked {
            world.mark_pending();
        }
        world.topic(TOPIC, TopicKind::Sns);
        world.refuse(TOPIC, "Unspeakable");
        world.queue(QUEUE, QueueSettings::default());
        world.subscribe(TOPIC, QUEUE, &["Told"]);
        world.outage(Outage {
            target: Target::DeadLetters(DEAD_LETTERS.to_owned()),
            trouble: Trouble::Unreachable,
            begins: Duration::ZERO,
            lasts: OUT,
        });
        for stream in STREAMS {
            let log = world.event_log();
            world.process(&format!("teller/{stream}"), move |process| {
                tell(process, log.clone(), stream)
            });
        }
        relay_and_recover(world, TOPIC, RECOVERS_EVERY);
        world.consumer("stories", QUEUE, Host::default(), |_| {
            Consumer::named("stories").atomic(count)
        });
        let (log, opening) = (world.event_log(), world.now());
        world.process("operator", move |process| look(process, log.clone(), opening));
    }

    fn is_settled(&self, world: &World) -> bool {
        let rows = world.tables().dump().remove(EVENTS).unwrap_or_default();
        let is_complete = rows.len() as u64 == EVENTS_OF_EACH as u64 * STREAMS.len() as u64;
        let is_told = STREAMS
            .iter()
            .all(|stream| first_seen(world, stream).len() == publishable(stream).len());
        is_complete && is_told && all_have_left(world) && !world.parked(DEAD_LETTERS).is_empty()
    }

    fn judge(&self, world: &World) -> Result<(), String> {
        let notes = world.notes();
        let of = |prefix: &str| -> Vec<String> {
            let found = notes.iter().filter_map(|note| note.strip_prefix(prefix));
            found.map(ToOwned::to_owned).collect()
        };
        let seen = of(SEEN);
        let expected = format!("Story#{}/{STUCK_VERSION}", STREAMS[0]);
        if seen.is_empty() || seen.iter().any(|seen| *seen != expected) {
            return Err(format!("an operator found {seen:?} stuck instead of {expected}"));
        }
        let mut left = of(LEFT);
        left.sort();
        left.dedup();
        expect(
            "streams that were handled while an event of another was stuck",
            &vec!["other".to_owned(), "third".to_owned()],
            &left,
        )?;
        for stream in STREAMS {
            let versions: Vec<u64> = first_seen(world, stream);
            let expected = publishable(stream);
            expect(&format!("order of {stream}"), &expected, &versions)?;
            let words = number(world.row(QUEUE, &[stream]).as_ref(), "words");
            expect(&format!("words of {stream}"), &(expected.len() as i64), &words)?;
        }
        let parked = world.parked(DEAD_LETTERS);
        let is_the_one = |(delivery, reason, _): &(Delivery, ParkReason, String)| {
            delivery.body.contains("Unspeakable") && *reason == ParkReason::DestinationRefused
        };
        if parked.is_empty() || !parked.iter().all(is_the_one) {
            return Err(format!(
                "{} parked that should be one event and its copies",
                parked.len()
            ));
        }
        nothing_lost(world, QUEUE)
    }
}

/// The versions of a stream in the order in which they were first published.
/// The versions that the topic does not refuse.
fn publishable(stream: &str) -> Vec<u64> {
    (1..=EVENTS_OF_EACH as u64)
        .filter(|version| stream != STREAMS[0] || *version != STUCK_VERSION)
        .collect()
}

fn first_seen(world: &World, stream: &str) -> Vec<u64> {
    let mut versions = Vec::new();
    for event in world.published(TOPIC) {
        let version = event.metadata().sequence.unwrap_or(0);
        if event.aggregate().id() == stream && !versions.contains(&version) {
            versions.push(version);
        }
    }
    versions
}
