//! From a commit to whoever is interested: the relay publishes what was appended, each aggregate in order, though it dies,
//! the stream is replayed, and the topic takes a part only.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use onecommit_engine::{Commit, Consumer, Deadline, EventLog, Failure, Key, ParkReason, Table};
use onecommit_event::{Aggregate, Event, Metadata, NewEvent};
use onecommit_relay::RelaySettings;
use onecommit_simulation::{EVENTS, Host, Process, QueueSettings, Scenario, TopicKind, World, relay_of};

use super::copies::{nothing_lost, store_of};
use super::payloads::payloads;
use super::{expect, number};

payloads! {
    Moved { to: i64 }
    Cursed { to: i64 }
}

/// Two writers, a relay, a recovery and a consumer.
pub(crate) struct Outbox {
    /// Whether the topic refuses one of the events for good.
    pub(crate) is_cursed: bool,
    /// Whether events are marked until they have left.
    pub(crate) is_marked: bool,
}

const TOPIC: &str = "moves";
const QUEUE: &str = "moves";
pub(crate) const DEAD_LETTERS: &str = "relay-dead-letters";
const EVENTS_OF_EACH: u64 = 3;
const STREAMS: [&str; 2] = ["a", "b"];

async fn count(event: Event<Moved>) -> Result<Commit, Failure> {
    let row = Table::new("moves").update(Key::new("pk", event.aggregate().id()));
    Ok(Commit::of(row.add("moves", 1)))
}

/// Appends a piece's moves, one or two at a time; what it appended before it died is not appended again.
async fn write(process: Process, log: EventLog, piece: &'static str, is_cursed: bool) {
    let store = store_of(&process, log);
    let Ok(stream) = Aggregate::new("Piece", piece) else {
        return;
    };
    loop {
        let Ok(version) = store.version(&stream).await else {
            process.environment().clock().sleep(Duration::from_secs(1)).await;
            continue;
        };
        if version >= EVENTS_OF_EACH {
            return;
        }
        let number = i64::try_from(version + 1).unwrap_or(0);
        let next = if is_cursed && version == 1 && piece == "a" {
            NewEvent::of(&Cursed { to: number })
        } else {
            NewEvent::of(&Moved { to: number })
        };
        let Ok(next) = next else { return };
        let metadata = Metadata::caused_by("game", format!("{piece}-{number}"));
        // Whatever came of it, the next round sees how many there are.
        let _ = store.append(&stream, version, vec![next], &metadata).await;
    }
}

impl Scenario for Outbox {
    fn name(&self) -> &str {
        match (self.is_marked, self.is_cursed) {
            (true, false) => "outbox",
            (true, true) => "outbox, one event refused",
            (false, false) => "outbox, events not marked",
            (false, true) => "outbox, events not marked, one refused",
        }
    }

    fn set_up(&self, world: &mut World) {
        if self.is_marked {
            world.mark_pending();
        }
        world.topic(TOPIC, TopicKind::Sns);
        world.refuse(TOPIC, "Cursed");
        world.queue(QUEUE, QueueSettings::default());
        world.subscribe(TOPIC, QUEUE, &["Moved"]);
        for piece in STREAMS {
            let (log, is_cursed) = (world.event_log(), self.is_cursed);
            world.process(&format!("writer/{piece}"), move |process| {
                write(process, log.clone(), piece, is_cursed)
            });
        }
        relay_everything(world, TOPIC);
        let host = Host {
            batch: 5,
            ..Host::default()
        };
        world.consumer("moves", QUEUE, host, |_| Consumer::named("moves").atomic(count));
    }

    fn is_settled(&self, world: &World) -> bool {
        let rows = world.tables().dump().remove(EVENTS).unwrap_or_default();
        let is_complete = rows.len() as u64 == EVENTS_OF_EACH * STREAMS.len() as u64;
        is_complete && all_have_left(world) && told(world) + u64::from(self.is_cursed) == rows.len() as u64
    }

    fn judge(&self, world: &World) -> Result<(), String> {
        let mut first_seen: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for event in world.published(TOPIC) {
            let versions = first_seen.entry(event.aggregate().id().to_owned()).or_default();
            let version = event.metadata().sequence.unwrap_or(0);
            if !versions.contains(&version) {
                versions.push(version);
            }
        }
        for piece in STREAMS {
            let expected: Vec<u64> = (1..=EVENTS_OF_EACH)
                .filter(|version| !(self.is_cursed && piece == "a" && *version == 2))
                .collect();
            let found = first_seen.remove(piece).unwrap_or_default();
            expect(&format!("order of {piece}"), &expected, &found)?;
            let moves = number(world.row("moves", &[piece]).as_ref(), "moves");
            expect(&format!("moves of {piece}"), &(expected.len() as i64), &moves)?;
        }
        let parked: Vec<ParkReason> = world
            .parked(DEAD_LETTERS)
            .iter()
            .map(|(_, reason, _)| *reason)
            .collect();
        if self.is_cursed && !parked.contains(&ParkReason::DestinationRefused) {
            return Err("the event that the topic refused is not parked".to_owned());
        }
        if !self.is_cursed {
            expect("parked by the relay", &Vec::new(), &parked)?;
        }
        nothing_lost(world, QUEUE)
    }
}

/// How many events came to the topic, copies left out.
fn told(world: &World) -> u64 {
    let ids: BTreeSet<_> = world.published(TOPIC).iter().map(Event::id).collect();
    ids.len() as u64
}

/// A relay to the topic, with its dead letters, and the recovery of what the stream forgot. All aggregates share a shard, so
/// that one must not hold up another.
pub(crate) fn relay_everything(world: &mut World, topic: &'static str) {
    relay_and_recover(world, topic, Duration::from_secs(900));
}

/// The same, with a recovery so often.
pub(crate) fn relay_and_recover(world: &mut World, topic: &'static str, every: Duration) {
    world.queue(DEAD_LETTERS, QueueSettings::default());
    let settings = RelaySettings::default();
    world.relay(1, 5, topic, DEAD_LETTERS, settings);
    world.every("recovery", every, move |process| async move {
        let relay = relay_of(&process, topic, DEAD_LETTERS, settings);
        let deadline = Deadline::after(Duration::from_secs(60), process.environment().clock());
        // The next one tries again.
        let _ = relay.recover(Duration::from_secs(60), deadline).await;
    });
}

/// Whether every event has left.
pub(crate) fn all_have_left(world: &World) -> bool {
    let rows = world.tables().dump().remove(EVENTS).unwrap_or_default();
    rows.iter().all(|row| !EventLog::is_pending(row))
}
