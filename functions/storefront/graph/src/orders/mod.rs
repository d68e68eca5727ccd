//! The viewer's orders. Another person's order is as one that does not exist.

mod loaders;
mod page;
mod schema;
mod types;

pub use schema::orders;
pub(crate) use schema::schema;
