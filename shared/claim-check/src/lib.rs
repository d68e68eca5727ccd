//! The claim check pattern: a payload too large for a message waits in a store, and the message carries the check to
//! claim it with (<https://www.enterpriseintegrationpatterns.com/patterns/messaging/StoreInLibrary.html>).
//!
//! On the wire the payload is `{}`, and beside it stands `claimCheck`:
//!
//! ```json
//! {"payload": {}, "claimCheck": {"bucket": "…", "key": "claims/<eventId>", "bytes": 300000, "sha256": "<hex>"}}
//! ```
//!
//! The key and the hash follow from the event, so leaving the same payload twice leaves one object.

mod check;
mod store;

pub use check::{ClaimCheck, ClaimError};
pub use store::{PayloadStore, StoreError};
