//! Events as a file that shows whether it was changed.
//!
//! An export is JSON lines: a header, a line per event, a closing line. Every line of an event holds the event exactly
//! as it is stored, and a SHA-256 hash of that, its place and the hash of the line before (a hash chain). The hash of the
//! last is the head.
//!
//! ```json
//! {"format":"onecommit-audit-1","scope":{"stream":"Order#ord_1"},"exportedAt":"2026-11-22T07:00:00.000Z"}
//! {"line":1,"stream":"Order#ord_1","version":1,"event":{"eventId":"…"},"previous":"5f1d…","hash":"9c02…"}
//! {"events":1,"head":"9c02…"}
//! ```
//!
//! [`verify`] reads it once and names the first line that does not fit: changed, removed, inserted, moved, cut off.
//! Whoever changes a file and can compute hashes can write the rest of the chain anew. So keep the head elsewhere -
//! where those who can write the file cannot - and verify with it: then no change goes unnoticed.
//!
//! Exporting takes the memory of one page of the table, verifying that of one line.
//!
//! ```
//! # use std::sync::Arc;
//! # use onecommit_event_store::audit::{Audit, Hash, verify};
//! # use onecommit_engine::{EventLog, Table, TableWriter};
//! # use onecommit_environment::Environment;
//! # use onecommit_event::{Aggregate, Event, Metadata, NewEvent, Payload};
//! # use onecommit_testing::MemoryDatabase;
//! # #[derive(serde::Serialize, serde::Deserialize)]
//! # struct Opened { owner: String }
//! # impl Payload for Opened { const EVENT_TYPE: &'static str = "Opened"; }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (tables, log) = (Arc::new(MemoryDatabase::default()), EventLog::new(Table::new("events")));
//! # let stream = Aggregate::new("Account", "a-1")?;
//! # let metadata = Metadata { sequence: Some(1), ..Metadata::starting("c") };
//! # let opened = NewEvent::of(&Opened { owner: "Ada".into() })?;
//! # let event = Event::from_new(opened, stream.clone(), metadata, &Environment::system())?;
//! # tables.write(&log.put(&event).into()).await?;
//! let audit = Audit::new(tables, log, Environment::system());
//! let mut file = Vec::new();
//! let export = audit.export_stream(&stream, &mut file, &mut |_| ()).await?;
//!
//! let verified = verify(file.as_slice(), Some(export.head))?;
//! assert_eq!(verified.events, 1);
//!
//! let forged = String::from_utf8(file)?.replace("Ada", "Eve");
//! let error = verify(forged.as_bytes(), Some(export.head)).unwrap_err();
//! assert_eq!(error.to_string(), "line 2 was changed: its hash does not match");
//! # Ok(())
//! # }
//! ```

mod chain;
mod error;
mod export;
mod hash;
mod line;
mod pages;
mod verify;

pub use error::ExportError;
pub use export::{Audit, Exported, Progress};
pub use hash::{Hash, NoHash};
pub use line::Scope;
pub use verify::{Fault, Verified, VerifyError, verify};
