//! Notifications: what customers are told, in which words, and over which channels.
//!
//! ```
//! use storefront_notifications::{Draft, Template};
//! use serde_json::json;
//!
//! let draft = Draft {
//!     subject: "Order {{ orderId }}".into(),
//!     text: "Thank you! {{ count }} parcels are on their way.".into(),
//!     parameters: ["orderId", "count"].map(str::to_owned).into(),
//! };
//! let template = Template::checked("shipped", draft)?;
//! let message = template.fill(json!({"orderId": "ord_1", "count": 2}).as_object().unwrap())?;
//! assert_eq!(message.subject, "Order ord_1");
//! assert_eq!(message.text, "Thank you! 2 parcels are on their way.");
//! # Ok::<(), storefront_notifications::TemplateError>(())
//! ```

mod channel;
mod delivery;
mod template;

pub use channel::{Channel, Contact, Preferences};
pub use delivery::{Courier, DeliveryError, Parcel, Traced};
pub use template::{Draft, Message, Template, TemplateError};
