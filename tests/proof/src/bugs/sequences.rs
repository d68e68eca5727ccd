//! Bugs of views kept by sequence.

use super::bug::Bug;

pub(super) const BUGS: &[Bug] = &[];
