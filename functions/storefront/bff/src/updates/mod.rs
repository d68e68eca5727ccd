//! An order as it changes: server-sent events, which are a long poll where answers are not streamed.

mod cursor;
mod watch;

pub(crate) use cursor::Cursor;
pub use watch::Door;
pub(crate) use watch::{Watch, Watched, is_final};
