//! Publishing events: to several destinations side by side, in batches that respect their limits, repeating only what
//! failed. The report has the result of each event at each destination.

mod batches;
mod destination;
mod parcel;
mod publisher;
mod report;

pub use destination::{Destination, DestinationError, EntryError, FailureKind, Limits, Outgoing};
pub use publisher::{PublishSettings, Publisher};
pub use report::{Delivered, Published};
