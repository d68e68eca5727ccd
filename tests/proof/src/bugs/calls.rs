//! Bugs of calls to systems outside.

use super::bug::Bug;

pub(super) const BUGS: &[Bug] = &[];
