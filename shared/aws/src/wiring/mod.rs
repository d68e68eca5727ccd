//! What functions and processes on AWS are made of: their settings, read the same way wherever they run, and the clients
//! made from them.
//!
//! ```no_run
//! use onecommit_engine::{Commit, Consumer, Failure};
//! # use onecommit_event::{Event, Payload};
//! use onecommit_aws::{ConsumerConfig, Wiring};
//! # #[derive(serde::Serialize, serde::Deserialize)]
//! # struct ParcelShipped {}
//! # impl Payload for ParcelShipped { const EVENT_TYPE: &'static str = "ParcelShipped"; }
//! # async fn parcel_shipped(_: Event<ParcelShipped>) -> Result<Commit, Failure> { Ok(Commit::nothing()) }
//!
//! let (wiring, config) = Wiring::of_function(ConsumerConfig::read)?;
//! let consumer = Consumer::named(config.name.as_str()).atomic(parcel_shipped);
//! let (engine, queue) = wiring.consumer(wiring.tables(), consumer, config);
//! # Ok::<(), onecommit_config::ConfigError>(())
//! ```

#[cfg(feature = "circuits")]
mod circuits;
mod consumer;
mod context;
mod payloads;
mod process;
#[cfg(feature = "publisher")]
mod publisher;
mod rebuild;
mod sealing;

#[cfg(feature = "circuits")]
pub use circuits::CircuitsConfig;
pub use consumer::{ConsumerConfig, EVENTS_TABLE_NAME, PENDING_MARKS, VIEWS_TABLE_NAME, read_event_log};
pub use context::ContextConfig;
pub use payloads::PayloadsConfig;
pub use process::{DynamoDbTables, Wiring, undocumented};
#[cfg(feature = "publisher")]
pub use publisher::PublisherConfig;
pub use rebuild::RebuildConfig;
pub use sealing::{SUBJECT_KEYS_TABLE_NAME, SealingConfig};
