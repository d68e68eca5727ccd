//! What every bounded context shares.

#[cfg(feature = "decimals")]
mod decimal;
mod money;

#[cfg(feature = "decimals")]
pub use decimal::DecimalError;
pub use money::{Currency, Money, MoneyError};
