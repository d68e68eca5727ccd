//! Bugs of the event store.

use super::bug::Bug;

pub(super) const BUGS: &[Bug] = &[];
