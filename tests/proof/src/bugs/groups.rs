//! Bugs of commits that share a transaction.

use super::bug::Bug;

pub(super) const BUGS: &[Bug] = &[];
