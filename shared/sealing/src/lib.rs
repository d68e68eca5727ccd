//! Personal data in event payloads, sealed with a key per subject. Events are never deleted; forgetting the key forgets
//! the data everywhere the event travelled: store, topics, queues, exports, backups (crypto-shredding).
//!
//! ```
//! use std::sync::Arc;
//!
//! use onecommit_engine::Table;
//! use onecommit_environment::Environment;
//! use onecommit_sealing::{Field, Opened, Sealed, Sealer, Subject};
//! use onecommit_testing::MemoryDatabase;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! #[serde(rename_all = "camelCase")]
//! struct CustomerRegistered {
//!     customer_id: String,
//!     address: Sealed<String>,
//! }
//! const ADDRESS: Field = Field::named("CustomerRegistered.address");
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let tables = Arc::new(MemoryDatabase::default());
//! let sealer = Sealer::new(tables, Table::new("subject-keys"), Environment::system());
//!
//! let subject = Subject::new("Customer#cus_7")?;
//! let event_id = "0192f0c1-0000-7000-8000-000000000001";
//! let registered = CustomerRegistered {
//!     customer_id: "cus_7".into(),
//!     address: sealer.seal_within(&subject, ADDRESS, event_id, &"1 Harbour Road".to_owned()).await?,
//! };
//! let address = sealer.open_within(ADDRESS, event_id, &registered.address).await?;
//! assert_eq!(address, Opened::Known("1 Harbour Road".to_owned()));
//! // Copied into another event, it does not open.
//! assert!(sealer.open_within(ADDRESS, "another event", &registered.address).await.is_err());
//!
//! sealer.forget(&subject).await?;
//! let address = sealer.open_within(ADDRESS, event_id, &registered.address).await?;
//! assert!(matches!(address, Opened::Forgotten { .. }));
//! # Ok(())
//! # }
//! ```
//!
//! # What it costs
//!
//! One `GetItem` per sealing and opening, and a request to what wraps keys, if something does, one conditional `PutItem` more for the first of a subject, one `UpdateItem`
//! to forget. [`Sealer::with_cache`] saves the reads of a process for up to a minute.
//!
//! # What it does not cover
//!
//! - **Copies of the keys.** Whoever can bring back a key can bring back the data: the table of keys must have no
//!   point-in-time recovery, no backups, no stream, no export. Forget a subject with [`Sealer::forget`]; deleting its
//!   row by hand leaves no tombstone, and the next sealing would make a new key.
//! - **Copies of what was opened.** Views, logs, caches and answers that hold the opened value do not know of
//!   forgetting. A snapshot of an aggregate has to keep the `Sealed` field.
//! - **What is not sealed**: subject ids (use an id that means nothing elsewhere, never an e-mail address), other
//!   fields, metadata such as `userId`, and how long the sealed value is.
//! - **Readers of the table.** Without [`Sealer::wrapping_keys_with`], keys lie in the table as DynamoDB encrypts it at
//!   rest; whoever may read the table and the events may read the data. Give that right to few.
//! - **Memory.** The copies of a key that this crate holds are wiped when they are dropped; those inside the AWS SDK
//!   and `ring` are not.

mod cache;
mod cipher;
mod error;
mod keys;
mod randomness;
mod sealed;
mod sealer;
mod subject;
mod wrap;

pub use error::SealError;
pub use keys::SubjectState;
pub use randomness::{NoRandomness, SecretRandom, SystemSecrets};
pub use sealed::{Opened, Sealed};
pub use sealer::Sealer;
pub use subject::{Field, InvalidSubject, Subject};
pub use wrap::{KeyWrap, WrapError};
