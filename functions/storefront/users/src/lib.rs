//! Users: who they are, and how they want to be reached. Every change is one transaction of the user's row and the event
//! that tells of it; nobody else reads the row. What users tell of themselves is sealed in both, with a key per user.

mod domain;
mod messages;
#[cfg(feature = "service")]
mod service;

pub use crate::domain::*;
pub use crate::messages::*;
#[cfg(feature = "service")]
pub use crate::service::*;
