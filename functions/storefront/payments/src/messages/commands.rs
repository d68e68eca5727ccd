use onecommit_event::Payload;
use serde::{Deserialize, Serialize};
use storefront_money::Money;

/// Take the money for an order. Answered by [`PaymentProcessed`](crate::PaymentProcessed) or
/// [`PaymentDeclined`](crate::PaymentDeclined).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CapturePayment {
    /// The order it is for.
    pub order_id: String,
    /// Who pays.
    pub customer_id: String,
    /// How much.
    pub amount: Money,
    /// With what, in the provider's words, for example `card`.
    pub method: String,
}

/// Give the money for an order back; where none was taken, see to it that none ever will be. Answered by
/// [`PaymentRefunded`](crate::PaymentRefunded).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefundPayment {
    /// The order it was for.
    pub order_id: String,
    /// Why, for people.
    pub reason: String,
}

impl Payload for CapturePayment {
    const EVENT_TYPE: &'static str = "CapturePayment";
}

impl Payload for RefundPayment {
    const EVENT_TYPE: &'static str = "RefundPayment";
}
