use async_trait::async_trait;
use storefront_money::Money;

use crate::{PaymentId, ProviderOutcome, Terms};

/// Who takes the money.
///
/// Every request names the payment, whose id is the idempotency key: asked again, by whichever command and however
/// often, the provider does nothing more and says the same again. Most providers know this as an intent that is
/// captured, cancelled or refunded under an id of the caller's.
#[async_trait]
pub trait PaymentProvider: Send + Sync {
    /// Takes the money, once.
    ///
    /// A crash before: nothing happened. A crash after, or a lost answer: the money may be taken; the same request, or
    /// [`find`](Self::find), tells.
    ///
    /// # Errors
    /// See [`ProviderError`]. A payment that was asked for on other terms before is refused.
    async fn capture(&self, payment: &PaymentId, terms: &Terms) -> Result<ProviderOutcome, ProviderError>;

    /// Gives the money of a captured payment back, once; tells how much that is.
    ///
    /// A crash or a lost answer leaves open whether it went back; the same request tells.
    ///
    /// # Errors
    /// See [`ProviderError`]. A payment that was not captured is refused.
    async fn refund(&self, payment: &PaymentId) -> Result<Money, ProviderError>;

    /// Gives a payment up: a capture that comes later, or is on its way, is refused from now on. When the money was taken
    /// already, nothing changes, and the answer says so.
    ///
    /// A crash or a lost answer leaves open whether it is given up; the same request tells.
    ///
    /// # Errors
    /// See [`ProviderError`].
    async fn void(&self, payment: &PaymentId) -> Result<VoidAnswer, ProviderError>;

    /// What became of a payment; nothing when the provider has not heard of it, which may change while a capture is on
    /// its way.
    ///
    /// # Errors
    /// See [`ProviderError`].
    async fn find(&self, payment: &PaymentId) -> Result<Option<Found>, ProviderError>;
}

/// What a provider knows of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What was agreed; nothing when it was given up before the money was asked for.
    pub terms: Option<Terms>,
    /// What became of it. Of one that was refunded: that its money was taken.
    pub outcome: ProviderOutcome,
}

/// What giving a payment up came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VoidAnswer {
    /// No money was taken, and none will be.
    GivenUp,
    /// The money had been taken, on these terms: refund it.
    Captured(Terms),
}

/// Why the provider did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// There was no answer: it may have done it or not. Ask again for the same payment.
    #[error("the payment provider did not answer; it may have carried out the request")]
    NoAnswer(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It will not do it, however often it is asked.
    #[error("the payment provider rejected the request: {0}")]
    Refused(String),
}
