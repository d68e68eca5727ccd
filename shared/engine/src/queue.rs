use std::error::Error;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::delivery::Delivery;
use crate::verdict::ParkReason;

/// A message on its way to the dead-letter queue.
#[derive(Clone, Debug)]
pub struct ParkedMessage<'a> {
    /// As it was delivered.
    pub delivery: &'a Delivery,
    /// Why it is parked.
    pub reason: ParkReason,
    /// In words.
    pub error: &'a str,
    /// Who parked it.
    pub consumer: &'a str,
    /// When, in RFC 3339.
    pub parked_at: String,
}

/// The port to a consumer's queue and its dead-letter queue.
///
/// Both calls return a result for each message, in order; the failure of one implies nothing for the others.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Sends the messages to the dead-letter queue with their reason beside all that the queue's own redrive would keep:
    /// attributes, group or tenant, trace header.
    ///
    /// A message that the queue rejects is sent in another form - escaped, its body elsewhere, or cut - and marked so.
    ///
    /// A crash after it, before the message left its own queue, parks it twice under one event id: handling a
    /// redriven copy is absorbed like any duplicate.
    async fn park(&self, messages: &[ParkedMessage<'_>]) -> Vec<Result<(), QueueError>>;

    /// Makes the deliveries visible again after a time, up to 12 h.
    ///
    /// If it fails, the message is still redelivered when its visibility timeout ends.
    async fn delay(&self, deliveries: &[(&Delivery, Duration)]) -> Vec<Result<(), QueueError>>;
}

/// Why a message was not parked or delayed.
#[derive(Debug)]
pub enum QueueError {
    /// It may work later: no answer, throttled, no queue, no right to it.
    Transient(Box<dyn Error + Send + Sync>),
    /// The queue does not accept this message in any form.
    Refused(Box<dyn Error + Send + Sync>),
}

impl fmt::Display for QueueError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transient(source) => write!(formatter, "the queue did not accept it: {source}"),
            Self::Refused(source) => write!(formatter, "the queue does not accept it in any form: {source}"),
        }
    }
}

impl Error for QueueError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Transient(source) | Self::Refused(source) => Some(&**source),
        }
    }
}
