//! What a person sees of themselves at a glance: from four services at once, each with a deadline. What does not come is left
//! out and named; it never looks like zeros.

mod parts;
mod sources;

pub(crate) use parts::{Activity, Dashboard, Entry};
pub(crate) use sources::gather;
