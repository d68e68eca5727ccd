//! What every bounded context shares.

mod money;

pub use money::{Currency, Money, MoneyError};
