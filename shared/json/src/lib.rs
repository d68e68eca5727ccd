//! The one way to read JSON that comes from outside: events, envelopes, requests.
//!
//! Serde takes more than JSON's types promise, and less than its numbers do. Here
//! - an object is an object: a list of its members' values is refused;
//! - `null` in a member is absence of that member, so an optional one may be either;
//! - a whole number is whole by value: `1`, `1.0`, `1e0` are the same, `-0` is 0, `1.5` is refused;
//! - of a member that is written twice the last one counts, as in EventBridge and most parsers, however the type reads
//!   it. [`from_request`] refuses it by name, for doors where the sender can still correct it;
//! - an error names the place and what is expected there, and never a value: a type's own words are kept only when they
//!   quote nothing of the JSON, and a member's name only when it is written like the name of a field.
//!
//! ```
//! #[derive(serde::Deserialize)]
//! struct Parcel {
//!     grams: u32,
//! }
//!
//! let parcel: Parcel = onecommit_json::from_str(r#"{"grams": 2.5e2}"#)?;
//! assert_eq!(parcel.grams, 250);
//! let error = onecommit_json::from_str::<Vec<Parcel>>(r#"[{"grams": 1}, {"grams": "secret"}]"#).err().unwrap();
//! assert_eq!(error.to_string(), "[1].grams: expected a whole number from 0 to 4294967295, found a text");
//! # Ok::<(), onecommit_json::JsonError>(())
//! ```
//!
//! A type that serde reads through a buffer (`flatten`, `untagged`, `tag`) gets these rules for its own members, but not
//! for what is nested in a buffered one; `serde_json::value::RawValue` keeps a member's text as it is.

mod canonical;
mod error;
mod exact;
mod key;
mod members;
mod node;
mod number;
mod portable;
mod rules;
mod strict;

use serde::Deserialize;
use serde_json::value::RawValue;

pub use canonical::{Canonical, canonical};
pub use error::JsonError;
pub use members::{Member, Object};
pub use node::NumberForms;
pub use portable::check;
pub use rules::{DEPTH_MAX, DIGITS_MAX, Rules};

/// Reads a value from a JSON text.
///
/// # Errors
/// When the text is not JSON ([`JsonError::is_syntax`]), or something else than `T` expects.
pub fn from_str<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, JsonError> {
    from_raw(raw(text)?)
}

/// Reads a value from JSON that was found sound before.
///
/// # Errors
/// When it is something else than `T` expects.
pub fn from_raw<'de, T: Deserialize<'de>>(raw: &'de RawValue) -> Result<T, JsonError> {
    T::deserialize(strict::Strict(raw)).map_err(|error| error.without_values_of(raw))
}

/// Reads a value from a request whose sender can still correct it: what [`check`] does not let pass is refused first, and
/// a member that is written twice is, too.
///
/// # Errors
/// When the text is not JSON, cannot travel every route, or is something else than `T` expects.
pub fn from_request<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, JsonError> {
    let raw = raw(text)?;
    check(raw, Rules::Request)?;
    from_raw(raw)
}

/// A JSON text as it is, found to be JSON.
///
/// # Errors
/// When the text is not JSON.
pub fn raw(text: &str) -> Result<&RawValue, JsonError> {
    serde_json::from_str(text).map_err(|error| JsonError::syntax(&error))
}
