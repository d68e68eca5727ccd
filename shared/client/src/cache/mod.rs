//! Answers that are kept and given again.

mod entry;
mod flights;
mod key;
mod settings;
mod step;
mod store;

pub use settings::CacheSettings;
pub(crate) use settings::CacheUse;
pub(crate) use step::{Cached, ResponseCache};
