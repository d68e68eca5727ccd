use std::borrow::Cow;
use std::fmt;

use async_trait::async_trait;
use onecommit_event::{Event, transportable};

/// An event to be published, serialised once for all destinations.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The event.
    pub event: Event,
    /// The event as JSON in the wire format, without a character that a destination's queue refuses.
    pub json: String,
}

impl From<Event> for Outgoing {
    fn from(event: Event) -> Self {
        let mut json = event.to_json();
        if let Cow::Owned(escaped) = transportable(&json) {
            json = escaped;
        }
        Self { event, json }
    }
}

/// The port to a destination of events: a topic, a bus.
#[async_trait]
pub trait Destination: Send + Sync {
    /// Its name in reports, for example `sns`.
    fn name(&self) -> &'static str;

    /// Its limits.
    fn limits(&self) -> Limits;

    /// Whether it keeps the order of events. Then requests are sent one after the other, and none after a request of
    /// which an entry may still be accepted later.
    fn keeps_order(&self) -> bool {
        false
    }

    /// How many bytes of the limits an event takes.
    fn bytes(&self, event: &Outgoing) -> usize;

    /// Sends up to a batch of events in one request, and answers for each, in their order: the id the destination gave
    /// it, or why it was not accepted.
    ///
    /// After a crash before the answer it is unknown what was accepted; sending it again is safe, since consumers absorb
    /// copies.
    ///
    /// # Errors
    /// When the request failed as a whole: then it is unknown what was accepted.
    async fn send(&self, batch: &[&Outgoing]) -> Result<Vec<Result<String, EntryError>>, DestinationError>;
}

/// The limits of a request.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most events of one request.
    pub entries_max: usize,
    /// The most bytes of one event.
    pub entry_bytes_max: usize,
    /// The most bytes of one request.
    pub batch_bytes_max: usize,
}

/// What has to change before an event is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureKind {
    /// Nothing: the same request may succeed later.
    Passing,
    /// The destination, or access to it: it would accept no other event either.
    Destination,
    /// The event, which will never be accepted as it is.
    Event,
}

/// Why one event of a request was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryError {
    /// What has to change.
    pub blame: FailureKind,
    /// The destination's words.
    pub message: String,
}

/// Why a request failed as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationError {
    /// What has to change. [`FailureKind::Event`] means one event of the request, it is unknown which.
    pub blame: FailureKind,
    /// The destination's words.
    pub message: String,
}

impl fmt::Display for DestinationError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for DestinationError {}
