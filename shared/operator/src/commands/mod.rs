//! The commands, a file each. They take what they work on, so that tests run them on tables in memory.

pub(crate) mod circuits;
pub(crate) mod events;
pub(crate) mod keys;
pub(crate) mod sagas;
pub(crate) mod subjects;
pub(crate) mod views;

#[cfg(test)]
pub(crate) mod kit;
