use std::fmt;

use crate::{Currency, Money};

/// Why a decimal is not an amount of money, or an amount has none. It does not quote the decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecimalError {
    /// It is not digits with at most one `.` between them: a sign, an exponent, a separator, something else.
    NotPlain,
    /// It has more digits after the `.` than the currency, so that nobody can pay it.
    TooFine {
        /// The currency's digits.
        digits: u32,
    },
    /// It is more than 64 bits of the smallest unit.
    TooLarge,
    /// ISO 4217 knows no such currency, or none with a smallest unit.
    UnknownCurrency,
    /// The amount is negative.
    Negative,
}

impl Currency {
    /// The digits after the `.` of an amount: 2 with `EUR`, 0 with `JPY`, 3 with `BHD`. Nothing when ISO 4217 knows no such
    /// currency, or none with a smallest unit.
    #[must_use]
    pub fn digits(&self) -> Option<u32> {
        iso_currency::Currency::from_code(&self.to_string())?
            .exponent()
            .map(u32::from)
    }
}

impl Money {
    /// The amount of a decimal as other systems write it: `12.50` with `EUR` is 1250 cents. Fewer digits than the currency
    /// has are filled up; more are refused, and never rounded.
    ///
    /// ```
    /// use storefront_money::{Currency, Money};
    /// let (euro, yen) = (Currency::new("EUR")?, Currency::new("JPY")?);
    /// assert_eq!(Money::of_decimal("12.5", euro).unwrap().minor_units(), 1_250);
    /// assert!(Money::of_decimal("12.5", yen).is_err());
    /// # Ok::<(), storefront_money::MoneyError>(())
    /// ```
    ///
    /// # Errors
    /// When it is not such a decimal, or finer than the currency.
    pub fn of_decimal(text: &str, currency: Currency) -> Result<Self, DecimalError> {
        let digits = currency.digits().ok_or(DecimalError::UnknownCurrency)?;
        let (whole, fraction) = match text.split_once('.') {
            Some((_, "")) => return Err(DecimalError::NotPlain),
            Some((whole, fraction)) => (whole, fraction),
            None => (text, ""),
        };
        let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
            return Err(DecimalError::NotPlain);
        }
        let significant = fraction.trim_end_matches('0');
        let width = digits as usize;
        if significant.len() > width {
            return Err(DecimalError::TooFine { digits });
        }
        let minor = format!("{whole}{significant:0<width$}");
        let minor = minor.parse().map_err(|_| DecimalError::TooLarge)?;
        Ok(Self::new(minor, currency))
    }

    /// The amount as a decimal with all digits of its currency: `12.50`, `1250` with `JPY`, `1.250` with `BHD`.
    ///
    /// # Errors
    /// When it is negative, or ISO 4217 does not know the currency.
    pub fn to_decimal(&self) -> Result<String, DecimalError> {
        let digits = self.currency().digits().ok_or(DecimalError::UnknownCurrency)? as usize;
        if self.minor_units() < 0 {
            return Err(DecimalError::Negative);
        }
        // At least one digit before the `.`.
        let minor = format!("{:0>width$}", self.minor_units(), width = digits + 1);
        let (whole, fraction) = minor.split_at(minor.len() - digits);
        Ok(match fraction {
            "" => whole.to_owned(),
            fraction => format!("{whole}.{fraction}"),
        })
    }
}

impl fmt::Display for DecimalError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPlain => formatter.write_str("it is not a plain decimal (for example 12.50)"),
            Self::TooFine { digits } => write!(
                formatter,
                "it has more than the currency's {digits} digits after the '.'"
            ),
            Self::TooLarge => formatter.write_str("the amount is too large"),
            Self::UnknownCurrency => formatter.write_str("its currency is not one of ISO 4217 with a smallest unit"),
            Self::Negative => formatter.write_str("the amount is negative"),
        }
    }
}

impl std::error::Error for DecimalError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn minor_units(text: &str, code: &str) -> Result<i64, DecimalError> {
        Money::of_decimal(text, Currency::new(code).unwrap()).map(|money| money.minor_units())
    }

    #[test]
    fn a_decimal_has_the_digits_of_its_currency() {
        for (text, code, minor) in [
            ("12.50", "EUR", 1_250),
            ("12.5", "EUR", 1_250),
            ("12", "EUR", 1_200),
            ("12.500000", "EUR", 1_250),
            ("0.01", "EUR", 1),
            ("007", "JPY", 7),
            ("1250", "JPY", 1_250),
            ("1250.0", "JPY", 1_250),
            ("1.25", "BHD", 1_250),
            ("92233720368547758.07", "EUR", i64::MAX),
        ] {
            assert_eq!(minor_units(text, code), Ok(minor), "{text} {code}");
        }
    }

    #[test]
    fn what_is_not_a_plain_amount_is_refused_and_never_rounded() {
        for (text, code, error) in [
            ("12.505", "EUR", DecimalError::TooFine { digits: 2 }),
            ("12.5", "JPY", DecimalError::TooFine { digits: 0 }),
            ("1.0005", "BHD", DecimalError::TooFine { digits: 3 }),
            ("92233720368547758.08", "EUR", DecimalError::TooLarge),
            ("1", "XXX", DecimalError::UnknownCurrency),
            ("1", "ZZZ", DecimalError::UnknownCurrency),
        ] {
            assert_eq!(minor_units(text, code), Err(error), "{text} {code}");
        }
        for text in [
            "", ".", "1.", ".5", "-1", "+1", "1e2", "1E2", "1,50", "1_000", "1.2.3", " 1", "١", "NaN", "0x1",
        ] {
            assert_eq!(minor_units(text, "EUR"), Err(DecimalError::NotPlain), "{text}");
        }
    }

    #[test]
    fn an_amount_is_written_with_all_digits() {
        for (minor, code, text) in [
            (1_250, "EUR", "12.50"),
            (5, "EUR", "0.05"),
            (0, "EUR", "0.00"),
            (1_250, "JPY", "1250"),
            (1_250, "BHD", "1.250"),
        ] {
            let money = Money::new(minor, Currency::new(code).unwrap());
            assert_eq!(money.to_decimal().as_deref(), Ok(text));
            assert_eq!(Money::of_decimal(text, money.currency()), Ok(money));
        }
        let negative = Money::new(-1, Currency::new("EUR").unwrap());
        assert_eq!(negative.to_decimal(), Err(DecimalError::Negative));
    }
}
