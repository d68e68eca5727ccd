use std::error::Error;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use onecommit_commit::Delivery;

/// The most messages of one request to receive, delete or extend.
pub const MESSAGES_MAX: usize = 10;
/// The longest that a request to receive may wait for a first message.
pub const WAIT_MAX: Duration = Duration::from_secs(20);

/// Where a worker gets its messages from.
#[async_trait]
pub trait Source: Send + Sync {
    /// Receives up to `most` messages, [`MESSAGES_MAX`] at the most, and hides them from others for `visibility`. If
    /// there are none it waits for the first, up to `wait`, and then answers with none.
    ///
    /// A crash after it, like an answer that got lost, costs time only: the messages come back when their visibility
    /// ends. A FIFO queue gives no more messages of a group before those it gave are deleted or visible again.
    ///
    /// # Errors
    /// When nothing was received that anybody knows of.
    async fn receive(&self, most: usize, wait: Duration, visibility: Duration) -> Result<Vec<Delivery>, SourceError>;

    /// Deletes messages that are finished with, and answers for each, in their order.
    ///
    /// When it fails, or a crash comes before it, the message comes back and is recognised as handled.
    async fn delete(&self, receipts: &[Receipt]) -> Vec<Result<(), SourceError>>;

    /// Hides messages for `visibility` from now on, and answers for each, in their order.
    ///
    /// When it fails for long, another worker gets the message too; whoever commits second finds it handled.
    async fn extend(&self, receipts: &[Receipt], visibility: Duration) -> Vec<Result<(), SourceError>>;
}

/// What names one delivery of a message to its queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The queue's id of the message.
    pub message_id: String,
    /// The handle of this delivery.
    pub handle: String,
}

impl From<&Delivery> for Receipt {
    fn from(delivery: &Delivery) -> Self {
        Self {
            message_id: delivery.message_id.clone(),
            handle: delivery.receipt.clone(),
        }
    }
}

impl Receipt {
    /// As much of the delivery as it takes to settle it.
    pub(crate) fn to_delivery(&self) -> Delivery {
        Delivery {
            message_id: self.message_id.clone(),
            receipt: self.handle.clone(),
            ..Delivery::default()
        }
    }
}

/// Why the queue did not do as asked.
#[derive(Debug)]
pub enum SourceError {
    /// It may work later; asking again is right.
    Transient(Box<dyn Error + Send + Sync>),
    /// This delivery is over: the message was deleted, or it is visible again, or somebody else has it by now. There
    /// is nothing left to do for it here.
    Expired,
    /// It will not work before somebody changes something: a permission, a queue's name. A worker keeps asking, since
    /// it may be changed while it runs.
    Refused(Box<dyn Error + Send + Sync>),
}

impl fmt::Display for SourceError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transient(source) => write!(formatter, "the queue did not answer as it should: {source}"),
            Self::Expired => formatter.write_str("the delivery is over: its message was deleted or is visible again"),
            Self::Refused(source) => {
                write!(
                    formatter,
                    "the queue refuses; check its URL and this process's permissions: {source}"
                )
            }
        }
    }
}

impl Error for SourceError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Transient(source) | Self::Refused(source) => Some(&**source),
            Self::Expired => None,
        }
    }
}
