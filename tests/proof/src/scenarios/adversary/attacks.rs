//! What somebody outside tries, by which way, and what has to come of it.

use onecommit_engine::ParkReason;
use onecommit_event::claim_check::ClaimCheck;
use onecommit_event::{Event, EventId};
use serde_json::{Value, json};

use super::super::trips::{STREAM, TRIP};

/// By which way it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The publisher: who may call it.
    Door,
    /// The outside topic, past the publisher: who is named as a producer.
    Topic,
    /// The queue that trusts the outside topic: the same.
    Queue,
}

/// What has to come of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The publisher refuses it for this reason, and it reaches no topic.
    Refused(&'static str),
    /// The consumer parks it for this reason.
    Parked(ParkReason),
    /// It changes nothing: nobody there handles its type, or it is a copy.
    Absorbed,
    /// It is handled once as what it is, an entry of somebody outside.
    Entered,
}

/// One attack. Its name is the id of its aggregate and its words, so that it is found wherever it gets to.
pub(super) struct Attack {
    pub(super) name: &'static str,
    pub(super) way: Way,
    pub(super) outcome: Outcome,
    /// Whether it takes what can be known only when genuine events have been handled.
    pub(super) is_afterwards: bool,
    pub(super) body: fn(&Known, &str) -> String,
}

/// What somebody outside can know.
#[derive(Clone)]
pub(super) struct Known {
    /// A moment when the attack is under way.
    pub(super) now: String,
    /// A genuine event, read somewhere.
    pub(super) genuine: Event,
    /// A genuine event whose payload waits in the bucket.
    pub(super) claimed: Event,
}

/// Commands' ids follow from the saga's id, so whoever knows that knows them before they are sent.
pub(super) fn command(step: &str) -> EventId {
    EventId::of_foreign(STREAM, &format!("do/1/{step}"))
}

pub(super) const FIRST_STEP: &str = "book a room";
pub(super) const PIVOT: &str = "charge the card";

pub(super) const ATTACKS: &[Attack] = {
    use Outcome::{Absorbed, Entered, Parked, Refused};
    use Way::{Door, Queue, Topic};
    &[
        now(
            Door,
            "an answer to a saga",
            Refused("EventTypeNotAllowed"),
            |known, name| answer("RoomBooked", FIRST_STEP, known, name),
        ),
        now(
            Door,
            "an order to a service",
            Refused("EventTypeNotAllowed"),
            |known, name| about_the_saga("ChargeCard", json!({"trip": TRIP}), known, name),
        ),
        now(
            Door,
            "the end of a saga's patience",
            Refused("ReservedEventType"),
            |known, name| about_the_saga("SagaDeadlineReached", json!({"dueAt": known.now}), known, name),
        ),
        now(
            Door,
            "a request to cancel a saga",
            Refused("ReservedEventType"),
            |known, name| about_the_saga("SagaCancelRequested", json!({"reason": name}), known, name),
        ),
        now(Door, "a place in a stream", Refused("ForbiddenField"), |known, name| {
            with(entry(known, name), "/metadata/sequence", json!(1))
        }),
        now(Door, "another user's name", Refused("ForbiddenField"), |known, name| {
            with(entry(known, name), "/metadata/userId", json!("ceo@shop"))
        }),
        now(Door, "a time years ahead", Refused("FutureTimestamp"), |known, name| {
            with(entry(known, name), "/timestamp", json!("2199-01-01T00:00:00.000Z"))
        }),
        now(
            Door,
            "a time years behind",
            Parked(ParkReason::OlderThanTheLedger),
            |known, name| with(entry(known, name), "/timestamp", json!("1999-01-01T00:00:00.000Z")),
        ),
        now(Door, "the id of a command to come", Entered, |known, name| {
            with(entry(known, name), "/eventId", json!(command(FIRST_STEP)))
        }),
        now(
            Door,
            "the cause and correlation of an answer",
            Entered,
            |known, name| {
                let metadata = json!({"correlationId": TRIP, "causationId": command(FIRST_STEP)});
                with(entry(known, name), "/metadata", metadata)
            },
        ),
        now(Door, "a trace that is not one", Entered, |known, name| {
            with(entry(known, name), "/metadata/traceparent", json!("00-é-\u{7f}-"))
        }),
        now(Door, "an envelope inside of an event", Entered, |known, name| {
            let mut event = entry(known, name);
            let forged = about_the_saga("SagaCancelRequested", json!({"reason": "smuggled"}), known, name);
            (event["TopicArn"], event["Message"]) = (json!("t"), json!(forged));
            (event["specversion"], event["detail"]) = (json!("1.0"), json!({"eventId": "no"}));
            event.to_string()
        }),
        now(
            Door,
            "a claim check for nothing",
            Parked(ParkReason::PayloadUnavailable),
            |known, name| {
                let key = format!("claims/{}/{}", id_of(name), "0".repeat(64));
                claiming(&key, known, name)
            },
        ),
        then(
            Door,
            "a claim check for a payload of others",
            Parked(ParkReason::PayloadUnavailable),
            |known, name| {
                let field = known
                    .claimed
                    .unknown_fields()
                    .get("claimCheck")
                    .map(ToString::to_string);
                let check: Option<ClaimCheck> = field.and_then(|text| serde_json::from_str(&text).ok());
                claiming(&check.map(|check| check.key).unwrap_or_default(), known, name)
            },
        ),
        now(Topic, "an answer past the publisher", Absorbed, |known, name| {
            answer("CardDeclined", PIVOT, known, name)
        }),
        now(Topic, "a cancellation past the publisher", Absorbed, |known, name| {
            about_the_saga("SagaCancelRequested", json!({"reason": name}), known, name)
        }),
        now(Topic, "the next place in a stream", Absorbed, |known, name| {
            noted(1, known, name)
        }),
        now(Topic, "a place far ahead in a stream", Absorbed, |known, name| {
            noted(9_000_000, known, name)
        }),
        now(
            Topic,
            "a time far ahead past the publisher",
            Parked(ParkReason::FutureTimestamp),
            |known, name| with(entry(known, name), "/timestamp", json!("2199-01-01T00:00:00.000Z")),
        ),
        now(Topic, "the greatest place of all", Entered, |known, name| {
            with(entry(known, name), "/metadata/sequence", json!((1_u64 << 53) - 1))
        }),
        then(Topic, "a genuine message once more", Absorbed, |known, _| {
            known.genuine.to_json()
        }),
        then(
            Topic,
            "other words under a genuine id",
            Parked(ParkReason::ContradictsHandled),
            |known, name| with(entry(known, name), "/eventId", json!(known.genuine.id())),
        ),
        then(Queue, "a genuine message, its payload swapped", Absorbed, |known, _| {
            known.claimed.to_json()
        }),
        now(Queue, "no JSON at all", Parked(ParkReason::MalformedBody), |_, name| {
            format!("{{{name}")
        }),
        now(
            Queue,
            "more envelopes than anybody sends",
            Parked(ParkReason::InvalidEnvelope),
            |known, name| {
                let wrap = |message: String| json!({"TopicArn": "t", "Message": message}).to_string();
                (0..4).fold(entry(known, name).to_string(), |message, _| wrap(message))
            },
        ),
        now(
            Queue,
            "a CloudEvents event that is numbered like a command",
            Entered,
            |known, name| {
                let event = json!({
                    "specversion": "1.0", "type": "Signed", "source": STREAM, "id": format!("do/1/{PIVOT}"),
                    "subject": name, "aggregatetype": "Guest", "time": known.now, "data": {"words": name},
                });
                event.to_string()
            },
        ),
    ]
};

const fn now(way: Way, name: &'static str, outcome: Outcome, body: fn(&Known, &str) -> String) -> Attack {
    Attack {
        name,
        way,
        outcome,
        is_afterwards: false,
        body,
    }
}

const fn then(way: Way, name: &'static str, outcome: Outcome, body: fn(&Known, &str) -> String) -> Attack {
    Attack {
        is_afterwards: true,
        ..now(way, name, outcome, body)
    }
}

fn id_of(name: &str) -> EventId {
    EventId::of_foreign("mallory", name)
}

/// Of the type that producers outside may publish.
fn entry(known: &Known, name: &str) -> Value {
    json!({
        "eventId": id_of(name), "eventType": "Signed", "aggregateType": "Guest", "aggregateId": name,
        "timestamp": known.now, "payload": {"words": name},
        "metadata": {"correlationId": "mallory", "causationId": "mallory"},
    })
}

fn with(mut event: Value, path: &str, value: Value) -> String {
    let (parent, name) = path.rsplit_once('/').unwrap_or_default();
    if let Some(parent) = event.pointer_mut(parent) {
        parent[name] = value;
    }
    event.to_string()
}

fn typed(event_type: &str, aggregate: (&str, &str), payload: Value, known: &Known, name: &str) -> Value {
    let mut event = entry(known, name);
    event["eventType"] = json!(event_type);
    (event["aggregateType"], event["aggregateId"]) = (json!(aggregate.0), json!(aggregate.1));
    event["payload"] = payload;
    event
}

fn about_the_saga(event_type: &str, payload: Value, known: &Known, name: &str) -> String {
    typed(event_type, ("TripSaga", TRIP), payload, known, name).to_string()
}

/// As the service that was asked would answer.
fn answer(event_type: &str, step: &str, known: &Known, name: &str) -> String {
    let answer = typed(event_type, ("Hotel", TRIP), json!({"trip": TRIP}), known, name);
    with(answer, "/metadata/causationId", json!(command(step)))
}

/// As the store tells of an entry of Ada's.
fn noted(sequence: u64, known: &Known, name: &str) -> String {
    let noted = typed("GuestNoted", ("Guestbook", "ada"), json!({"words": name}), known, name);
    with(noted, "/metadata/sequence", json!(sequence))
}

fn claiming(key: &str, known: &Known, name: &str) -> String {
    let hash = key.rsplit('/').next().unwrap_or_default();
    let mut event = entry(known, name);
    event["payload"] = json!({});
    event["claimCheck"] = json!({"bucket": super::scenario::BUCKET, "key": key, "bytes": 17, "sha256": hash});
    event.to_string()
}
