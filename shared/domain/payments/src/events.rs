use onecommit_domain_kernel::Money;
use onecommit_event::Payload;
use serde::{Deserialize, Serialize};

/// Money for an order was taken. The event's aggregate is the payment.
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

impl Payload for PaymentProcessed {
    const EVENT_TYPE: &'static str = "PaymentProcessed";
}
