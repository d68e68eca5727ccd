//! Notifications: tells customers what they want to know, over the channels they want, each delivery once.
//!
//! ```text
//! NotifyCustomer ── preferences, template ── row + CustomerNotified + one NotificationDeliveryDue per channel
//! NotificationDeliveryDue ── lease ── courier ── row + NotificationDelivered
//! UserPreferencesChanged ── the customer's preferences, as the context users tells them
//! ```
//!
//! The command only decides: over which channels, in which words. Each delivery then is a message of its own, because
//! couriers know no idempotency key: it is handed over under a lease, and one whose end nobody saw is looked up or, where
//! the courier cannot tell, parked for a person. One channel that fails keeps no other from being used, and none is used
//! twice because of it.

mod domain;
mod messages;
#[cfg(feature = "service")]
mod service;

pub use crate::domain::*;
pub use crate::messages::*;
#[cfg(feature = "service")]
pub use crate::service::*;
