use std::fmt;

use serde::{Deserialize, Serialize};

/// An amount in the smallest unit of its currency: 2500 with `EUR` is 25 euros.
///
/// ```
/// use storefront_money::{Currency, Money};
/// let price = Money::new(1_250, Currency::new("EUR")?);
/// assert_eq!(price.times(2)?.minor_units(), 2_500);
/// # Ok::<(), storefront_money::MoneyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Money {
    minor_units: i64,
    currency: Currency,
}

/// An ISO 4217 code: three capital letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^[A-Z]{3}$"))]
pub struct Currency([u8; 3]);

/// Why an amount does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MoneyError {
    /// No three capital letters.
    NoCurrency,
    /// Amounts of two currencies have no sum.
    TwoCurrencies(Currency, Currency),
    /// More than 64 bits can hold.
    Overflow,
}

impl Currency {
    /// No currency at all, ISO 4217's XXX: for an amount of nothing where nobody knows of what.
    pub const NONE: Self = Self(*b"XXX");

    /// A currency by its code.
    ///
    /// # Errors
    /// When the code is not three capital letters.
    pub fn new(code: &str) -> Result<Self, MoneyError> {
        match <[u8; 3]>::try_from(code.as_bytes()) {
            Ok(letters) if letters.iter().all(u8::is_ascii_uppercase) => Ok(Self(letters)),
            _ => Err(MoneyError::NoCurrency),
        }
    }
}

impl Money {
    /// An amount.
    #[must_use]
    pub fn new(minor_units: i64, currency: Currency) -> Self {
        Self { minor_units, currency }
    }

    /// The amount in the currency's smallest unit.
    #[must_use]
    pub fn minor_units(&self) -> i64 {
        self.minor_units
    }

    /// The currency.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.currency
    }

    /// The sum.
    ///
    /// # Errors
    /// When the currencies differ or the sum overflows.
    pub fn plus(&self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::TwoCurrencies(self.currency, other.currency));
        }
        let minor_units = self
            .minor_units
            .checked_add(other.minor_units)
            .ok_or(MoneyError::Overflow)?;
        Ok(Self { minor_units, ..*self })
    }

    /// So many times the amount.
    ///
    /// # Errors
    /// When the product overflows.
    pub fn times(&self, count: i64) -> Result<Self, MoneyError> {
        let minor_units = self.minor_units.checked_mul(count).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor_units, ..*self })
    }
}

impl TryFrom<String> for Currency {
    type Error = MoneyError;

    fn try_from(code: String) -> Result<Self, MoneyError> {
        Self::new(&code)
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.to_string()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|letter| write!(formatter, "{}", char::from(*letter)))
    }
}

impl fmt::Display for Money {
    /// `2500 EUR`, in the currency's smallest unit: how many of them make a larger one differs by currency.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.minor_units, self.currency)
    }
}

impl fmt::Display for MoneyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCurrency => formatter.write_str("it is not an ISO 4217 currency code (for example EUR)"),
            Self::TwoCurrencies(..) => formatter.write_str("amounts in two currencies cannot be added"),
            Self::Overflow => formatter.write_str("the amount is too large"),
        }
    }
}

impl std::error::Error for MoneyError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_refuse_other_currencies_and_overflow() {
        let (euro, dollar) = (Currency::new("EUR").unwrap(), Currency::new("USD").unwrap());
        let one = Money::new(1, euro);
        assert_eq!(one.plus(Money::new(2, euro)).unwrap().minor_units(), 3);
        assert_eq!(
            one.plus(Money::new(2, dollar)),
            Err(MoneyError::TwoCurrencies(euro, dollar))
        );
        assert_eq!(Money::new(i64::MAX, euro).plus(one), Err(MoneyError::Overflow));
        assert_eq!(Money::new(i64::MAX, euro).times(2), Err(MoneyError::Overflow));
    }

    #[test]
    fn a_currency_is_three_capital_letters() {
        for code in ["", "eur", "EURO", "E1R", "ÉU"] {
            assert!(Currency::new(code).is_err(), "{code}");
        }
    }
}
