//! Bugs of sagas.

use super::bug::Bug;

pub(super) const BUGS: &[Bug] = &[];
