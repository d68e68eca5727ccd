use onecommit_event::Payload;
use serde::{Deserialize, Serialize};
use storefront_money::Money;

/// Money for an order was taken. The event's aggregate is the payment.
///
/// It is told once. A payment that is asked for again is answered by [`PaymentUnchanged`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentProcessed {
    /// The payment.
    pub payment_id: String,
    /// The order it is for.
    pub order_id: String,
    /// How much.
    pub amount: Money,
}

/// No money for an order was taken. The event's aggregate is the payment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentDeclined {
    /// The order it was for.
    pub order_id: String,
    /// The payment.
    pub payment_id: String,
    /// Why.
    pub reason: DeclineReason,
}

/// Money for an order went back, or will never be taken. The event's aggregate is the payment. It is told once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentRefunded {
    /// The order it was for.
    pub order_id: String,
    /// The payment.
    pub payment_id: String,
    /// How much went back; 0 when none had been taken.
    pub amount: Money,
}

/// Answer: the payment was already where a command wanted it, so no money moved.
///
/// Whoever asks a second time, under another event id, gets an answer that names the new id as its cause. A second
/// `PaymentProcessed` would be a second payment to everybody else who listens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PaymentUnchanged {
    /// The order it is for.
    pub order_id: String,
    /// The payment.
    pub payment_id: String,
}

/// Why no money was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DeclineReason {
    /// The provider said no.
    DeclinedByProvider,
    /// The amount is not positive.
    InvalidAmount,
    /// The payment was given up before the money was taken.
    Voided,
    /// The money went back already.
    Refunded,
    /// One that this version does not know.
    #[serde(other)]
    Other,
}

/// The provider tells later, and perhaps more than once, what became of a payment. The event's aggregate is the
/// provider's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProviderAnswered {
    /// The order it is for.
    pub order_id: String,
    /// Who pays.
    pub customer_id: String,
    /// How much was asked for.
    pub amount: Money,
    /// With what.
    pub method: String,
    /// What became of it.
    pub outcome: ProviderOutcome,
}

/// What a provider says of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ProviderOutcome {
    /// The money was taken.
    Captured,
    /// It was not, and will not be.
    Declined,
    /// It was given up before any was taken, and none will be.
    Voided,
}

impl DeclineReason {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DeclinedByProvider => "declinedByProvider",
            Self::InvalidAmount => "invalidAmount",
            Self::Voided => "voided",
            Self::Refunded => "refunded",
            Self::Other => "other",
        }
    }

    /// The reason by its word.
    #[must_use]
    pub fn of(word: &str) -> Self {
        let known = [
            Self::DeclinedByProvider,
            Self::InvalidAmount,
            Self::Voided,
            Self::Refunded,
        ];
        known
            .into_iter()
            .find(|reason| reason.as_str() == word)
            .unwrap_or(Self::Other)
    }
}

impl Payload for PaymentProcessed {
    const EVENT_TYPE: &'static str = "PaymentProcessed";
}

impl Payload for PaymentDeclined {
    const EVENT_TYPE: &'static str = "PaymentDeclined";
}

impl Payload for PaymentRefunded {
    const EVENT_TYPE: &'static str = "PaymentRefunded";
}

impl Payload for PaymentUnchanged {
    const EVENT_TYPE: &'static str = "PaymentUnchanged";
}

impl Payload for ProviderAnswered {
    const EVENT_TYPE: &'static str = "ProviderAnswered";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_word_on_the_wire_and_in_the_table() {
        for reason in [
            DeclineReason::DeclinedByProvider,
            DeclineReason::InvalidAmount,
            DeclineReason::Voided,
            DeclineReason::Refunded,
        ] {
            assert_eq!(DeclineReason::of(reason.as_str()), reason);
        }
        assert_eq!(DeclineReason::of("tomorrow"), DeclineReason::Other);
    }
}
