//! Handing the store's events to the engine of the generation that is being built.

use std::fmt;
use std::time::Duration;

use onecommit_engine::{Deadline, Delivery, Engine, ParkReason, RetryReason, Verdict};
use onecommit_event::Event;
use onecommit_event_store::StoreError;

/// An event that the view could not handle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedEvent {
    /// Its id; empty for a row of the store that holds no event, or is missing.
    pub event_id: String,
    /// Its stream, for example `Order#ord_1`.
    pub stream: String,
    /// Its version in the stream.
    pub version: u64,
    /// Why.
    pub reason: ParkReason,
    /// In words.
    pub error: String,
}

/// The events that a rebuild could not handle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParkedEvents {
    /// How many there are.
    pub count: u64,
    /// The first 100 of them.
    pub first: Vec<ParkedEvent>,
}

/// An event that was not taken because of something else than the event: who it was, and what was wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotTaken(String);

const SHOWN_MAX: usize = 100;
/// How often an event is tried before a rebuild stops. Running it again goes on with it, so it need not wait for the end of
/// an outage.
const TRIES_MAX: u32 = 5;

/// Handles some events, each until there is nothing more to try, and tells of those that could not be handled.
pub(super) async fn feed(engine: &Engine, events: Vec<Event>, parked: &mut ParkedEvents) -> Result<(), NotTaken> {
    let mut open: Vec<(Event, Delivery)> = events.into_iter().map(with_delivery).collect();
    while !open.is_empty() {
        let deliveries: Vec<Delivery> = open.iter().map(|(_, delivery)| delivery.clone()).collect();
        let verdicts = engine.handle(&deliveries, Deadline::none()).await;
        let (mut again, mut wait) = (Vec::new(), Duration::ZERO);
        for ((event, mut delivery), verdict) in open.into_iter().zip(verdicts) {
            match verdict {
                Verdict::Done | Verdict::Duplicate | Verdict::Ignored => {}
                Verdict::Park { reason, error } => parked.add(parked_event(&event, reason, error))?,
                // The replay tells a stream in its order: what is missing was told, and could not be handled.
                Verdict::Retry {
                    reason: RetryReason::SequenceGap,
                    error,
                    ..
                } => parked.add(parked_event(&event, ParkReason::SequenceGap, error))?,
                Verdict::Retry {
                    reason: RetryReason::HeldBack,
                    ..
                } => again.push((event, delivery)),
                Verdict::Retry { reason, error, .. } if delivery.receive_count >= TRIES_MAX => {
                    return Err(not_taken(&event, reason.as_str(), &error));
                }
                Verdict::Retry { after, .. } => {
                    delivery.receive_count += 1;
                    wait = wait.max(after);
                    again.push((event, delivery));
                }
            }
        }
        open = again;
        if !open.is_empty() {
            engine.environment().clock().sleep(wait).await;
        }
    }
    Ok(())
}

impl ParkedEvents {
    /// What the store holds where an event should be; a replay may come upon it more than once.
    pub(super) fn add_row(&mut self, error: StoreError) -> Result<(), StoreError> {
        let (stream, version, reason) = match &error {
            StoreError::Corrupt { stream, version, .. } => (stream.clone(), *version, ParkReason::InvalidEvent),
            StoreError::Gap { stream, missing } => (stream.clone(), *missing, ParkReason::SequenceGap),
            _ => return Err(error),
        };
        let is_known = |event: &ParkedEvent| event.stream == stream && event.version == version;
        if !self.first.iter().any(is_known) {
            self.count += 1;
            self.show(ParkedEvent {
                event_id: String::new(),
                stream,
                version,
                reason,
                error: error.to_string(),
            });
        }
        Ok(())
    }

    fn add(&mut self, event: ParkedEvent) -> Result<(), NotTaken> {
        if matches!(event.reason, ParkReason::CommitRefused | ParkReason::PayloadUnavailable) {
            return Err(NotTaken(event.to_string()));
        }
        self.count += 1;
        self.show(event);
        Ok(())
    }

    fn show(&mut self, event: ParkedEvent) {
        if self.first.len() < SHOWN_MAX {
            self.first.push(event);
        }
    }
}

fn with_delivery(event: Event) -> (Event, Delivery) {
    let delivery = Delivery {
        message_id: event.id().to_string(),
        body: event.to_json(),
        receive_count: 1,
        ..Delivery::default()
    };
    (event, delivery)
}

fn not_taken(event: &Event, reason: &str, error: &str) -> NotTaken {
    let (stream, id) = (event.aggregate(), event.id());
    let version = event.metadata().sequence.unwrap_or(0);
    NotTaken(format!("version {version} of {stream}, event {id}: {reason}, {error}"))
}

fn parked_event(event: &Event, reason: ParkReason, error: String) -> ParkedEvent {
    ParkedEvent {
        event_id: event.id().to_string(),
        stream: event.aggregate().to_string(),
        version: event.metadata().sequence.unwrap_or(0),
        reason,
        error,
    }
}

impl fmt::Display for ParkedEvent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            event_id,
            stream,
            version,
            reason,
            error,
        } = self;
        write!(
            formatter,
            "version {version} of {stream}, event {event_id}: {reason}, {error}"
        )
    }
}

impl fmt::Display for NotTaken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "not handled: {}", self.0)
    }
}
