//! Test kit: build events, run handlers without AWS and look at the commit they return, run a whole consumer on tables
//! in memory, and wait for outcomes without sleeping. The crate `onecommit-simulation` runs one under every schedule of
//! crashes, lost answers, copies and disorder.
//!
//! ```
//! use onecommit_engine::{Commit, Consumer, Failure, Key, Table};
//! use onecommit_event::{Event, Payload};
//! use onecommit_testing::{TestConsumer, an_event};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct ParcelShipped { carrier: String }
//! impl Payload for ParcelShipped {
//!     const EVENT_TYPE: &'static str = "ParcelShipped";
//! }
//! async fn parcel_shipped(event: Event<ParcelShipped>) -> Result<Commit, Failure> {
//!     let row = Key::of_view(event.aggregate().to_string(), "status");
//!     Ok(Commit::of(Table::new("parcels").update(row).add("shipments", 1)))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let shipped = an_event("Parcel", "p-1", ParcelShipped { carrier: "DHL".into() });
//! let kit = TestConsumer::new(Consumer::named("parcel-view").atomic(parcel_shipped));
//! kit.receive(&[&shipped, &shipped]).await;
//! let row = kit.row("parcels", &["Parcel#p-1", "status"]).unwrap();
//! assert_eq!(row["shipments"].as_i64(), Some(1));
//! # }
//! ```

mod await_until;
mod clock;
pub mod conformance;
mod consumer;
mod database;
mod events;
mod queue;
mod secrets;
mod source;
mod split_tables;

pub use await_until::{Patience, await_until};
pub use clock::VirtualClock;
pub use consumer::TestConsumer;
pub use database::MemoryDatabase;
pub use events::{a_typed_event, an_event, delivery_of, in_cloud_event, in_event_bridge_event, in_sns_notification};
pub use queue::MemoryQueue;
pub use secrets::SeededSecrets;
pub use source::{MemorySource, Received};
pub use split_tables::SplitTables;
