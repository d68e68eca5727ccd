//! What can be decided about a delivery without a request.

use onecommit_environment::Timestamp;
use onecommit_event::{Event, EventErrorKind, Fingerprint, Received, shown_name};

use crate::consumer::{Consumer, RecordedIn, Registered, UnknownEventTypes};
use crate::delivery::Delivery;
use crate::embedded::window::Window;
use crate::ledger::Ledger;
use crate::verdict::{ParkReason, RetryReason, Verdict};

/// One event to handle.
pub(crate) struct Work<'a> {
    pub(crate) event: &'a Event,
    pub(crate) fingerprint: Fingerprint,
}

/// The event in a delivery, if it is one for this consumer.
pub(crate) fn admit(
    delivery: &Delivery,
    consumer: &Consumer,
    ledger: &Ledger,
    now: Timestamp,
) -> Result<Event, Verdict> {
    let received =
        Received::from_body(&delivery.body).map_err(|error| Verdict::park(park_reason(error.kind()), error))?;
    let event = received.event;
    if let Some(verdict) = too_early(event.timestamp(), consumer, now) {
        return Err(verdict);
    }
    match consumer.handlers.get(event.event_type()) {
        None => Err(unknown_type(event.event_type(), consumer)),
        Some(handler) if event.metadata().schema_version > handler.schema_version => {
            let error = format!(
                "schema version of {} is newer than this code, which knows up to {}",
                event.event_type(),
                handler.schema_version
            );
            Err(Verdict::park(ParkReason::UnknownSchemaVersion, error))
        }
        // The row of a view records what it has seen, and no time ends that.
        Some(handler) if handler.recorded_in == RecordedIn::Sequence || consumer.accepts_old_events => Ok(event),
        // A CloudEvents event may be without a time: it says nothing of its age, which is no reason to refuse all of them.
        Some(_) if !event.is_dated() => Ok(event),
        Some(handler) => match too_old(event.timestamp(), handler, consumer, ledger, now) {
            Some(verdict) => Err(verdict),
            None => Ok(event),
        },
    }
}

/// One of two clocks is off: a little, and the message waits for its time; by more than such a clock is, and it is parked.
fn too_early(timestamp: Timestamp, consumer: &Consumer, now: Timestamp) -> Option<Verdict> {
    let (ahead, skew) = (timestamp.since(now), consumer.settings.clock_skew_max);
    if ahead <= skew {
        return None;
    }
    let error = format!("timestamp {timestamp} is {} s ahead of this clock", ahead.as_secs());
    Some(if ahead <= skew.saturating_mul(2) {
        Verdict::retry(ahead - skew, RetryReason::AheadOfClock, error)
    } else {
        Verdict::park(ParkReason::FutureTimestamp, error)
    })
}

/// Nobody knows any more whether an event was handled that is older than the ledger remembers.
fn too_old(
    timestamp: Timestamp,
    handler: &Registered,
    consumer: &Consumer,
    ledger: &Ledger,
    now: Timestamp,
) -> Option<Verdict> {
    let skew = consumer.settings.clock_skew_max;
    let mut remembers = ledger.remembers(timestamp, skew);
    if handler.recorded_in == RecordedIn::Row {
        remembers = remembers.min(Window::longest(skew).saturating_sub(skew));
    }
    (now.since(timestamp) > remembers).then(|| {
        let error = format!(
            "the event is of {timestamp}, and the ledger remembers {} h; find out whether it was handled, then \
             delete the message, or redrive it to a consumer that accepts old events",
            remembers.as_secs() / 3600
        );
        Verdict::park(ParkReason::OlderThanTheLedger, error)
    })
}

fn unknown_type(event_type: &str, consumer: &Consumer) -> Verdict {
    match consumer.settings.unknown_event_types {
        UnknownEventTypes::Ignore => Verdict::Ignored,
        UnknownEventTypes::Park => {
            let error = format!("{} does not handle {:?}", consumer.name, shown_name(event_type));
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
