//! Bugs of generations of views.

use super::bug::Bug;

pub(super) const BUGS: &[Bug] = &[];
