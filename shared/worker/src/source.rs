use std::error::Error;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use onecommit_engine::Delivery;

/// The most messages of one request to receive, delete or extend.
pub const MESSAGES_MAX: usize = 10;
/// The longest that a request to receive may wait for a first message.
pub const WAIT_MAX: Duration = Duration::from_secs(20);

/// The port through which a worker receives, deletes and hides messages.
#[async_trait]
pub trait Source: Send + Sync {
    /// Receives up to `most` messages, [`MESSAGES_MAX`] at the most, and hides them from others for `visibility`. If
    /// there are none it waits for the first, up to `wait`, and then answers with none.
    ///
    /// A crash after it, or a lost answer, costs time only: the messages are redelivered when their visibility timeout
    /// ends. A FIFO queue delivers no more messages of a group before the earlier ones are deleted or visible again.
    ///
    /// # Errors
    /// When the request failed or got no answer.
    async fn receive(&self, most: usize, wait: Duration, visibility: Duration) -> Result<Vec<Delivery>, SourceError>;

    /// Deletes finished messages, with a result for each, in order.
    ///
    /// If it fails, or after a crash before it, the message is redelivered and recognised as a duplicate.
    async fn delete(&self, receipts: &[Receipt]) -> Vec<Result<(), SourceError>>;

    /// Hides messages for `visibility` from now on, with a result for each, in order.
    ///
    /// If it keeps failing, another worker gets the message too; the second commit finds it handled.
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

/// Why a request to the queue failed.
#[derive(Debug)]
pub enum SourceError {
    /// It may succeed later and should be repeated.
    Transient(Box<dyn Error + Send + Sync>),
    /// This delivery is over: the message was deleted, is visible again, or was delivered to another process. Nothing is
    /// left to do for it here.
    Expired,
    /// It cannot succeed before a permission or the queue's name is corrected. A worker keeps trying, since that may
    /// happen while it runs.
    Refused(Box<dyn Error + Send + Sync>),
}

impl fmt::Display for SourceError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transient(source) => write!(formatter, "the request to the queue failed: {source}"),
            Self::Expired => formatter.write_str("the delivery is over: its message was deleted or is visible again"),
            Self::Refused(source) => {
                write!(
                    formatter,
                    "the queue denied access; check its URL and the permissions of this process: {source}"
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
