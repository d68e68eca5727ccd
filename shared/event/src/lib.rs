//! The domain event: a typed envelope, its wire format, and every form in which one may arrive.
//!
//! ```
//! use onecommit_environment::Environment;
//! use onecommit_event::{Aggregate, Event, Payload};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct ParcelShipped {
//!     carrier: String,
//! }
//!
//! impl Payload for ParcelShipped {
//!     const EVENT_TYPE: &'static str = "ParcelShipped";
//! }
//!
//! let parcel = Aggregate::new("Parcel", "p-1")?;
//! let event = Event::new(parcel, ParcelShipped { carrier: "DHL".into() }, &Environment::system());
//! let json = event.to_json();
//! let read = Event::from_json(&json)?.decode::<ParcelShipped>()?;
//! assert_eq!(read.payload().carrier, "DHL");
//! assert_eq!(read.id(), event.id());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod aggregate;
mod body;
pub mod claim_check;
mod cloudevents;
mod error;
mod event;
mod fingerprint;
mod id;
mod metadata;
mod payload;
mod transport;
mod unknown;
mod wire;

pub use aggregate::Aggregate;
pub use body::{Received, Route};
pub use error::{EventError, EventErrorKind};
pub use event::Event;
pub use fingerprint::Fingerprint;
pub use id::EventId;
pub use metadata::Metadata;
pub use onecommit_environment::Timestamp;
pub use payload::{NewEvent, Payload, RawPayload};
pub use transport::{is_transportable, shown_name, transportable};
pub use unknown::UnknownFields;
