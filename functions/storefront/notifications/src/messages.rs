use std::fmt;

use onecommit_event::{Aggregate, EventError, Payload};
use onecommit_sealing::{Field, InvalidSubject, Sealed, Subject};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Channel, Contact};

/// Tell a customer about an order, in the words of a template. Answered by [`CustomerNotified`], and by
/// [`NotificationUnchanged`] when it is asked for again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotifyCustomer {
    /// What it is about. A customer is told about an order once per template.
    pub order_id: String,
    /// Who is told.
    pub customer_id: String,
    /// The template's name.
    pub template: String,
    /// What the template's words need, by name.
    #[serde(default)]
    pub parameters: Map<String, Value>,
}

/// A customer will be told about an order: it is decided over which channels, and each delivery is on its way. The
/// event's aggregate is the notification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomerNotified {
    /// What it is about.
    pub order_id: String,
    /// The template's name.
    pub template: String,
    /// Over which channels; none when the customer wants none, or has left no address.
    pub channels: Vec<Channel>,
}

/// Answer: it was decided before how a customer is told, and nothing follows from asking again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotificationUnchanged {
    /// What it is about.
    pub order_id: String,
    /// The template's name.
    pub template: String,
}

/// One delivery of a notification is to be made. It names no address and no words: those stay in the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryDue {
    /// Who is told.
    pub customer_id: String,
    /// The notification.
    pub notification_id: String,
    /// Over which channel.
    pub channel: Channel,
}

/// A delivery was handed over to whoever carries it out. The event's aggregate is the notification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivered {
    /// The notification.
    pub notification_id: String,
    /// Over which channel.
    pub channel: Channel,
    /// The carrier's name for it.
    pub receipt: String,
}

/// A user changed how to be reached, as the context `users` tells it. The event's aggregate is the user; this is all
/// that notifications need of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserPreferencesChanged {
    /// Who.
    pub user_id: String,
    /// Where, sealed within the event as [`CONTACT`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<Sealed<Contact>>,
    /// Where, as events of the first version have it: in clear.
    #[serde(flatten)]
    pub in_clear: Contact,
    /// The channels that are wanted, by their words. One that this code does not know is passed over.
    #[serde(default)]
    pub channels: Vec<String>,
}

/// The field of [`UserPreferencesChanged`] that is sealed.
pub const CONTACT: Field = Field::named("User.contact");

/// Whose key it is sealed with, and everything else about a customer here.
///
/// # Errors
/// When the id is empty, too long, or holds a control character.
pub fn subject_of(customer_id: &str) -> Result<Subject, InvalidSubject> {
    Subject::new(format!("User#{customer_id}"))
}

/// The identity of a notification: an order and a template.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NotificationId(String);

impl NotificationId {
    /// The notification about an order with a template.
    #[must_use]
    pub fn of(order_id: &str, template: &str) -> Self {
        Self(format!("{order_id}-{template}"))
    }

    /// One by its text.
    #[must_use]
    pub fn named(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a customer may have this id, which is part of keys.
    ///
    /// # Errors
    /// When it is empty or longer than 512 bytes, or holds a control character.
    pub fn check_customer(customer_id: &str) -> Result<(), EventError> {
        Aggregate::new("Customer", customer_id).map(drop)
    }

    /// The stream of its events.
    ///
    /// # Errors
    /// When a part of it is empty or too long, or holds a control character.
    pub fn stream(&self) -> Result<Aggregate, EventError> {
        Aggregate::new("Notification", &self.0)
    }
}

impl fmt::Display for NotificationId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Payload for NotifyCustomer {
    const EVENT_TYPE: &'static str = "NotifyCustomer";
}

impl Payload for NotificationUnchanged {
    const EVENT_TYPE: &'static str = "NotificationUnchanged";
}

impl Payload for CustomerNotified {
    const EVENT_TYPE: &'static str = "CustomerNotified";
}

impl Payload for DeliveryDue {
    const EVENT_TYPE: &'static str = "NotificationDeliveryDue";
}

impl Payload for Delivered {
    const EVENT_TYPE: &'static str = "NotificationDelivered";
}

impl Payload for UserPreferencesChanged {
    const EVENT_TYPE: &'static str = "UserPreferencesChanged";
    const SCHEMA_VERSION: u32 = 2;
}
