//! Publishing events: to several destinations side by side, in batches that respect their limits, repeating only what
//! failed. The answer says of each event what became of it at each destination.

mod batches;
mod destination;
mod parcel;
mod publisher;
mod report;

pub use destination::{Blame, Destination, DestinationError, EntryError, Limits, Outgoing};
pub use publisher::{PublishSettings, Publisher};
pub use report::{Delivered, Published};
