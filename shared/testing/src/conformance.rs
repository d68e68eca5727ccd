//! What every implementation of a port has to do, as tests: run them on yours.

mod database;
mod limits;

pub use database::{DatabaseUnderTest, database};
pub use limits::{CONSTRAINTS, EXPRESSIONS, Limit, TRANSACTIONS, limits, limits_of_dynamodb};
