//! Faults on the wire between the functions and AWS, traffic that goes through them, and a report of what was survived.

pub(crate) mod killing;
pub(crate) mod outages;
pub(crate) mod report;
pub(crate) mod traffic;
pub(crate) mod wire;
