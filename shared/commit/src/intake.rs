//! From a batch of deliveries to the work in it: what can be told without a request is told here.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use onecommit_environment::Timestamp;
use onecommit_event::{Event, EventErrorKind, EventId, Fingerprint, Received};
use onecommit_mutants::{Mutant, is_on};

use crate::consumer::{Consumer, UnknownEventTypes};
use crate::delivery::Delivery;
use crate::recent::Recent;
use crate::verdict::{ParkReason, Verdict};

/// What to do with one delivery of a batch.
pub(crate) enum Intake {
    /// Handle it.
    Work(Work),
    /// It is a copy of the delivery at this place in the batch, whose end it shares.
    CopyOf(usize),
    /// Nothing more to do.
    Decided(Verdict),
}

/// One event to handle.
pub(crate) struct Work {
    pub(crate) event: Event,
    pub(crate) fingerprint: Fingerprint,
}

/// Sorts a batch out: copies within it, and copies of what this process has handled.
pub(crate) fn sort_out(admitted: Vec<Result<Event, Verdict>>, recent: &Recent) -> Vec<Intake> {
    let mut first_of: HashMap<EventId, (usize, Fingerprint)> = HashMap::with_capacity(admitted.len());
    let sort_one = |(place, admitted): (usize, Result<Event, Verdict>)| {
        let event = match admitted {
            Ok(event) => event,
            Err(verdict) => return Intake::Decided(verdict),
        };
        let fingerprint = event.fingerprint();
        match first_of.entry(event.id()) {
            Entry::Occupied(first) if first.get().1 == fingerprint => return Intake::CopyOf(first.get().0),
            Entry::Occupied(_) => return Intake::Decided(contradiction(event.id())),
            Entry::Vacant(place_of_first) => place_of_first.insert((place, fingerprint)),
        };
        match recent.find(event.id()) {
            Some(handled) => Intake::Decided(copy_verdict(event.id(), handled == fingerprint)),
            None => Intake::Work(Work { event, fingerprint }),
        }
    };
    admitted.into_iter().enumerate().map(sort_one).collect()
}

/// What becomes of a message whose event was handled before.
pub(crate) fn copy_verdict(id: EventId, says_the_same: bool) -> Verdict {
    if says_the_same || is_on(Mutant::FingerprintIgnored) {
        Verdict::Duplicate
    } else {
        contradiction(id)
    }
}

fn contradiction(id: EventId) -> Verdict {
    let error = format!("event {id} came before with another type, aggregate or payload; an id belongs to one event");
    Verdict::park(ParkReason::ContradictsHandled, error)
}

/// The event in a delivery, if it is one for this consumer.
pub(crate) fn admit(delivery: &Delivery, consumer: &Consumer, now: Timestamp) -> Result<Event, Verdict> {
    let received =
        Received::from_body(&delivery.body).map_err(|error| Verdict::park(park_reason(error.kind()), error))?;
    let event = received.event;
    let ahead = event.timestamp().since(now);
    if ahead > consumer.settings.clock_skew_max {
        let error = format!(
            "timestamp {} is {} s ahead of this clock",
            event.timestamp(),
            ahead.as_secs()
        );
        return Err(Verdict::park(ParkReason::FutureTimestamp, error));
    }
    match consumer.handlers.get(event.event_type()) {
        None => Err(unknown_type(event.event_type(), consumer)),
        Some(handler) if event.metadata().schema_version > handler.schema_version => {
            let (theirs, ours) = (event.metadata().schema_version, handler.schema_version);
            let error = format!(
                "schema version {theirs} of {}; this code knows up to {ours}",
                event.event_type()
            );
            Err(Verdict::park(ParkReason::UnknownSchemaVersion, error))
        }
        Some(_) => Ok(event),
    }
}

fn unknown_type(event_type: &str, consumer: &Consumer) -> Verdict {
    match consumer.settings.unknown_event_types {
        UnknownEventTypes::Ignore => Verdict::Ignored,
        UnknownEventTypes::Park => {
            let error = format!("{} does not handle {event_type:?}", consumer.name);
            Verdict::park(ParkReason::UnknownEventType, error)
        }
    }
}

pub(crate) fn park_reason(kind: EventErrorKind) -> ParkReason {
    match kind {
        EventErrorKind::MalformedBody => ParkReason::MalformedBody,
        EventErrorKind::InvalidEnvelope => ParkReason::InvalidEnvelope,
        EventErrorKind::InvalidPayload => ParkReason::InvalidPayload,
        _ => ParkReason::InvalidEvent,
    }
}
