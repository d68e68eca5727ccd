//! Bugs of settings.

use super::bug::Bug;

pub(super) const BUGS: &[Bug] = &[];
