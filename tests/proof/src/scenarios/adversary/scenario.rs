use std::sync::Arc;
use std::time::Duration;

use onecommit_engine::{
    Atomic, Commit, Consumer, Delivery, Engine, EventLog, Failure, Item, Key, Ledger, ParkReason, SequencedUpdate,
    Settings, Table, Value,
};
use onecommit_event::{Aggregate, Event, NewEvent};
use onecommit_event_store::{EventStore, StoreError};
use onecommit_simulation::{EVENTS, Host, LEDGER, QueueSettings, Scenario, TopicKind, World};

use super::super::copies::{events_of, nothing_lost, store_of};
use super::super::outbox::{DEAD_LETTERS, relay_everything};
use super::super::payloads::payloads;
use super::super::trips::{ORCHESTRATOR, STREAM, TOPIC, TRIP, Trip, TripRequested, saga_row_of, sweep};
use super::super::{expect, number};
use super::attacks::{ATTACKS, Attack, FIRST_STEP, Known, Outcome, PIVOT, command};
use super::intruder::{Misdeeds, Role, intrude};
use super::outsider::{forger, honest};

payloads! {
    Signed { words: String }
    GuestNoted { words: String }
}

/// A guestbook that anybody outside may sign, beside a saga, its services and a view, which hear the store only; and how
/// well the two are kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Adversary {
    /// As the template does.
    KeptOut,
    /// The orchestrator's queue gets what comes from outside as well.
    HeardByTheOrchestrator,
    /// The view's queue does.
    HeardByTheView,
    /// The consumer of the outside way has the name of one that trusts the store, and so its ledger rows.
    SharesAName,
    /// The grants of another consumer's role name no keys.
    GrantedEveryKey,
}

pub(super) const OUTSIDE: &str = "outside";
pub(super) const GUESTBOOK: &str = "guestbook";
pub(super) const GUESTS: &str = "guests";
pub(super) const BUCKET: &str = "payloads";
const VIEW: &str = "pages";
/// Who signs, and what they write. The payload of the last waits in the bucket.
pub(super) const GENUINE: [(&str, &str); 3] = [("ada", "first"), ("ada", "second"), ("bob", "a long letter")];

/// Keeps what was written, and has the store tell of it.
struct Sign(Arc<EventStore>);

impl Atomic<Signed> for Sign {
    async fn handle(&self, event: Event<Signed>) -> Result<Commit, Failure> {
        let stream = Aggregate::new("Guestbook", event.aggregate().id()).map_err(Failure::Invalid)?;
        let version = match self.0.version(&stream).await {
            Ok(version) => version,
            Err(StoreError::Database(error)) => return Err(Failure::transient(error)),
            Err(error) => return Err(Failure::reject(error.to_string())),
        };
        let words = event.payload().words.clone();
        let row = Table::new(GUESTS)
            .update(Key::new("pk", words.as_str()))
            .add("entries", 1);
        let noted = NewEvent::of(&GuestNoted { words }).map_err(Failure::Invalid)?;
        Ok(Commit::of(row).append(stream, version, [noted]))
    }
}

/// How many entries each has, and how long they are.
fn page(event: &Event<GuestNoted>) -> Result<SequencedUpdate, Failure> {
    let row = Table::new(VIEW).update(Key::new("pk", event.aggregate().id()));
    let letters = length(&event.payload().words);
    Ok(SequencedUpdate::accumulating(
        row.add("entries", 1).add("letters", letters),
    ))
}

fn length(words: &str) -> i64 {
    i64::try_from(words.len()).unwrap_or(i64::MAX)
}

impl Adversary {
    fn guestbook(self, world: &mut World) {
        world.topic(OUTSIDE, TopicKind::Sns);
        world.queue(GUESTBOOK, QueueSettings::default());
        world.subscribe(OUTSIDE, GUESTBOOK, &[]);
        let host = Host {
            batch: 2,
            ..Host::default()
        };
        let name = if self == Self::SharesAName {
            "services"
        } else {
            GUESTBOOK
        };
        let (log, events) = (world.event_log(), world.event_log());
        world.batch_handler(GUESTBOOK, GUESTBOOK, host, move |process| {
            let sign = Sign(Arc::new(store_of(process, log.clone())));
            let ledger = Ledger::new(Table::new(LEDGER));
            let engine = Engine::new(
                Consumer::named(name).atomic(sign),
                process.tables(),
                ledger,
                process.environment(),
            );
            let engine = engine.with_event_log(events.clone());
            engine.with_claim_checks(process.bucket(BUCKET))
        });
    }

    fn view(self, world: &mut World) {
        world.queue(VIEW, QueueSettings::default());
        world.subscribe(TOPIC, VIEW, &["GuestNoted"]);
        world.consumer(VIEW, VIEW, Host::default(), |_| Consumer::named(VIEW).sequenced(page));
        if self == Self::HeardByTheView {
            world.subscribe(OUTSIDE, VIEW, &["GuestNoted"]);
        }
    }

    /// Those who are honest, and those who are not.
    fn people(self, world: &mut World, attacks: &'static [Attack], misdeeds: Misdeeds) {
        let [first, second, heavy] = GENUINE.map(|(guest, words)| {
            let words = words.to_owned();
            world.event("Guest", guest, Signed { words })
        });
        let known = Known {
            now: world.now().to_string(),
            genuine: first.clone(),
            claimed: heavy.clone(),
        };
        let (entries, genuine) = (vec![first.clone(), second], first);
        world.process("honest", move |process| honest(process, entries.clone(), heavy.clone()));
        world.process("forger", move |process| forger(process, known.clone(), attacks));
        let role = Role {
            is_bound_to_keys: self != Self::GrantedEveryKey,
        };
        world.process("intruder", move |process| {
            intrude(process, role, genuine.clone(), misdeeds)
        });
    }
}

/// The same with a part of what can be tried.
pub(super) struct Trying {
    pub(super) adversary: Adversary,
    pub(super) attacks: &'static [Attack],
    pub(super) misdeeds: Misdeeds,
}

impl Scenario for Adversary {
    fn name(&self) -> &str {
        self.words()
    }

    fn set_up(&self, world: &mut World) {
        self.everything().set_up(world);
    }

    fn is_settled(&self, world: &World) -> bool {
        self.everything().is_settled(world)
    }

    fn judge(&self, world: &World) -> Result<(), String> {
        self.everything().judge(world)
    }
}

impl Adversary {
    fn everything(self) -> Trying {
        Trying {
            adversary: self,
            attacks: ATTACKS,
            misdeeds: |_| true,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::KeptOut => "an outsider who forges, and a role that misbehaves",
            Self::HeardByTheOrchestrator => "an outsider whom the orchestrator hears",
            Self::HeardByTheView => "an outsider whom a view hears",
            Self::SharesAName => "an outsider whose consumer has the name of another",
            Self::GrantedEveryKey => "a role that may write every consumer's ledger rows",
        }
    }
}

impl Scenario for Trying {
    fn name(&self) -> &str {
        self.adversary.words()
    }

    fn set_up(&self, world: &mut World) {
        world.mark_pending();
        Trip::Smooth.employ(world, QueueSettings::default(), &Settings::default());
        self.adversary.guestbook(world);
        self.adversary.view(world);
        if self.adversary == Adversary::HeardByTheOrchestrator {
            world.subscribe(OUTSIDE, ORCHESTRATOR, &[]);
        }
        relay_everything(world, TOPIC);
        world.every("sweeper", Duration::from_secs(30), sweep);
        self.adversary.people(world, self.attacks, self.misdeeds);
        let requested = world.event("Trip", TRIP, TripRequested { trip: TRIP.to_owned() });
        world.send(ORCHESTRATOR, &requested);
    }

    fn is_settled(&self, world: &World) -> bool {
        let is_over = saga_row_of(world, STREAM).is_some_and(|row| row.status().is_end());
        is_over && all_that_is_genuine_has_left(world)
    }

    fn judge(&self, world: &World) -> Result<(), String> {
        Trip::Smooth.judge(world)?;
        commands_were_handled_as_what_they_are(world)?;
        for (_, words) in GENUINE {
            expect(words, &1, &entries(world, words))?;
        }
        view_is_the_store(world)?;
        nothing_lost(world, VIEW)?;
        only_forged_rows_are_parked(world)?;
        nothing_genuine_is_parked(world)?;
        let notes = world.notes();
        for attack in ATTACKS {
            came_to_what_it_has_to(world, attack, &notes).map_err(|what| format!("{}: {what}", attack.name))?;
        }
        expect("redriven", &0, &world.redriven(GUESTBOOK).len())
    }
}

/// A row of the intruder's may be one that no recovery finds.
fn all_that_is_genuine_has_left(world: &World) -> bool {
    let rows = world.tables().dump().remove(EVENTS).unwrap_or_default();
    let is_genuine = |row: &&Item| !row["stream"].as_str().unwrap_or_default().starts_with("Mail#");
    rows.iter().filter(is_genuine).all(|row| !EventLog::is_pending(row))
}

fn entries(world: &World, words: &str) -> i64 {
    number(world.row(GUESTS, &[words]).as_ref(), "entries")
}

fn commands_were_handled_as_what_they_are(world: &World) -> Result<(), String> {
    for (step, event_type) in [(FIRST_STEP, "BookRoom"), (PIVOT, "ChargeCard")] {
        let id = command(step);
        let sent = events_of(world, STREAM).any(|event| event.id() == id);
        expect(
            &format!("whether the id of {event_type} is one that can be foreseen"),
            &true,
            &sent,
        )?;
        let row = world.row(LEDGER, &[&format!("services#{id}")]);
        let handled = row
            .as_ref()
            .and_then(|row| row.get("eventType"))
            .and_then(Value::as_str);
        expect("what was handled under a command's id", &Some(event_type), &handled)?;
    }
    Ok(())
}

/// The view has what the store's streams have, of everybody who signed.
fn view_is_the_store(world: &World) -> Result<(), String> {
    let of_outsiders = ATTACKS.iter().map(|attack| attack.name);
    for guest in ["ada", "bob"].into_iter().chain(of_outsiders) {
        let mut stored = (0, 0);
        for event in events_of(world, &format!("Guestbook#{guest}")) {
            let noted = event.decode::<GuestNoted>().map_err(|error| error.to_string())?;
            stored = (stored.0 + 1, stored.1 + length(&noted.payload().words));
        }
        let row = world.row(VIEW, &[guest]);
        let seen = (number(row.as_ref(), "entries"), number(row.as_ref(), "letters"));
        expect(&format!("entries and letters of {guest}"), &stored, &seen)?;
    }
    Ok(())
}

/// What the intruder put into its own streams and is not of them.
fn only_forged_rows_are_parked(world: &World) -> Result<(), String> {
    let is_forged = |(delivery, reason, _): &(Delivery, ParkReason, String)| {
        let id = delivery.message_id.as_str();
        *reason == ParkReason::InvalidEvent && ["Mail#m-1#1", "Mail#m-2#1"].contains(&id)
    };
    match world.parked(DEAD_LETTERS).iter().find(|parked| !is_forged(parked)) {
        Some((delivery, reason, why)) => Err(format!("the relay parked {}: {reason}: {why}", delivery.message_id)),
        None => Ok(()),
    }
}

fn nothing_genuine_is_parked(world: &World) -> Result<(), String> {
    let is_forged = |delivery: &Delivery| ATTACKS.iter().any(|attack| delivery.body.contains(attack.name));
    let parked = world.parked(GUESTBOOK);
    match parked.iter().find(|(delivery, ..)| !is_forged(delivery)) {
        Some((delivery, reason, why)) => Err(format!("{} is parked: {reason}: {why}", delivery.message_id)),
        None => Ok(()),
    }
}

fn came_to_what_it_has_to(world: &World, attack: &Attack, notes: &[String]) -> Result<(), String> {
    let mut told: Vec<&str> = notes
        .iter()
        .filter_map(|note| note.split_once(": "))
        .filter_map(|(told, name)| (name == attack.name).then_some(told))
        .collect();
    told.dedup();
    let is_of_it = |body: &str| body.contains(attack.name);
    let parked = world.parked(GUESTBOOK);
    let mut reasons: Vec<ParkReason> = parked
        .iter()
        .filter_map(|(delivery, reason, _)| is_of_it(&delivery.body).then_some(*reason))
        .collect();
    reasons.dedup();
    let published = world.published(OUTSIDE).iter().any(|event| is_of_it(&event.to_json()));
    let found = (told.as_slice(), reasons.as_slice(), entries(world, attack.name));
    let (refused, expected_reason);
    let expected: (&[&str], &[ParkReason], i64) = match attack.outcome {
        // It was not tried, or not seen to its end before the forger crashed and tried others.
        _ if told.is_empty() => return Ok(()),
        Outcome::Refused(reason) => {
            expect("whether it left the publisher", &false, &published)?;
            refused = [format!("refused {reason}")];
            expect(
                "what the publisher said",
                &refused.each_ref().map(String::as_str).as_slice(),
                &told.as_slice(),
            )?;
            (found.0, &[], 0)
        }
        Outcome::Parked(reason) => {
            expected_reason = [reason];
            (&["sent"], &expected_reason, 0)
        }
        Outcome::Absorbed => (&["sent"], &[], 0),
        Outcome::Entered => (&["sent"], &[], 1),
    };
    expect("what was said, why it was parked, and its entries", &expected, &found)
}
