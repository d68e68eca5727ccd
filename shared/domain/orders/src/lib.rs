//! Orders: what happens to them.

mod events;

pub use events::{Line, OrderCreated};
