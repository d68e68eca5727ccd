//! Bugs of leases on messages.

use super::bug::Bug;

pub(super) const BUGS: &[Bug] = &[];
