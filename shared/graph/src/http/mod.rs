//! GraphQL over HTTP.

mod media;
mod origin;
mod read;
mod routes;

pub use routes::{Callers, routes};
