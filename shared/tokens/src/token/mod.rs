//! Signed tokens (RFC 7519), made and checked.

mod claims;
mod jwks;
mod key;
mod provider;
mod signer;
pub(crate) mod verifier;

pub use jwks::{Jwks, KeySource, KeySourceError};
pub use key::{Algorithm, InvalidKey, KeySet, SigningKey};
pub use signer::{LIFETIME, ServiceToken, SignError, TokenSigner};
pub use verifier::{Expected, TokenVerifier};
