//! API keys: secrets that programs outside present with each request.
//!
//! A key is shown once. What is kept is its SHA-256: 256 bits of randomness need no slow hash. Every change is one commit
//! of its row and its event.

mod change;
mod event;
mod key;
mod row;
mod store;
mod verifier;

pub use change::ApiKeyError;
pub use event::{API_KEY, ApiKeyCreated, ApiKeyRevoked, ApiKeyRotated};
pub use key::{ApiKey, ApiKeyId, looks_like_api_key};
pub use row::{ApiKeyState, RATE_PER_MINUTE_DEFAULT};
pub use store::{ApiKeys, NewApiKey, Rotation};
pub use verifier::ApiKeyVerifier;
