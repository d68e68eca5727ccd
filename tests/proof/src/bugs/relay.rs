//! Bugs of the relay.

use super::bug::Bug;

pub(super) const BUGS: &[Bug] = &[];
