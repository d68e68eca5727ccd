use async_trait::async_trait;

use crate::Channel;
use crate::Message;

/// One delivery: to whom, over what, in which words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// The delivery's own name, the same each time it is tried.
    pub id: String,
    /// Over what.
    pub channel: Channel,
    /// The address, phone number or endpoint.
    pub recipient: String,
    /// The words.
    pub message: Message,
}

/// Whoever carries deliveries out. It knows no idempotency key: handing over twice delivers twice.
#[async_trait]
pub trait Courier: Send + Sync {
    /// Hands a delivery over; gives the carrier's name for it.
    ///
    /// A crash before: nothing was sent. A crash after, or a lost answer: it may have been; [`trace`](Self::trace) may
    /// tell.
    ///
    /// # Errors
    /// See [`DeliveryError`].
    async fn hand_over(&self, parcel: &Parcel) -> Result<String, DeliveryError>;

    /// What became of a delivery whose end nobody saw. Most carriers cannot tell.
    ///
    /// # Errors
    /// When it cannot be asked for now.
    async fn trace(&self, parcel: &Parcel) -> Result<Traced, DeliveryError> {
        let _ = parcel;
        Ok(Traced::Unknown)
    }
}

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Traced {
    /// It was handed over; the carrier's name for it.
    HandedOver(String),
    /// It was not.
    Missing,
    /// Nobody can tell.
    Unknown,
}

/// Why a delivery was not handed over, by what is known of it.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// Nothing was sent; it may be tried again.
    #[error("the carrier did not accept the delivery for now: {0}")]
    NotSent(String),
    /// There was no answer: it may have been sent.
    #[error("the carrier did not answer; the delivery may have been made: {0}")]
    Unknown(String),
    /// Nothing was sent, and never will be like this: for example, the address is none.
    #[error("the carrier rejected the delivery: {0}")]
    Refused(String),
}
