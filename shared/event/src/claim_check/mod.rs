//! The claim check pattern: a payload too large for a message waits in a store, and the message carries the check to
//! claim it with (<https://www.enterpriseintegrationpatterns.com/patterns/messaging/StoreInLibrary.html>).
//!
//! On the wire the payload is `{}`, and beside it stands `claimCheck`:
//!
//! ```json
//! {"payload": {}, "claimCheck": {"bucket": "…", "key": "claims/<eventId>/<sha256>", "bytes": 300000,
//!                                  "sha256": "<hex>"}}
//! ```
//!
//! The key follows from the event and the hash of its payload, and an object is written only where there is none. So leaving
//! the same payload twice leaves one object, and another publisher's payload under the same event id is another object;
//! whoever claims a payload checks its hash.

mod check;
mod store;

pub use check::{ClaimCheck, ClaimError};
pub use store::{PayloadStore, StoreError};
