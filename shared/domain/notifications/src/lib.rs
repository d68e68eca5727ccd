//! Notifications: what customers are told.

use onecommit_event::Payload;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Tell a customer about an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotifyCustomer {
    /// What it is about.
    pub order_id: String,
    /// Who is told.
    pub customer_id: String,
    /// The template's name.
    pub template: String,
    /// What the template's words need, by name.
    #[serde(default)]
    pub parameters: Map<String, Value>,
}

/// A customer is told about an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomerNotified {
    /// What it is about.
    pub order_id: String,
    /// The template's name.
    pub template: String,
    /// Over which channels.
    pub channels: Vec<String>,
}

impl Payload for NotifyCustomer {
    const EVENT_TYPE: &'static str = "NotifyCustomer";
}

impl Payload for CustomerNotified {
    const EVENT_TYPE: &'static str = "CustomerNotified";
}
