//! What every implementation of a port has to do, as tests: run them on yours.

mod database;

pub use database::{DatabaseUnderTest, database};
