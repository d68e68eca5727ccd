use std::fmt;

use serde::{Deserialize, Serialize};
use storefront_money::Money;

/// What is said about a product, but for its SKU and its stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "Draft")]
pub struct Description {
    name: String,
    category: String,
    price: Price,
    description: String,
}

/// What one of a product costs: not negative, and at most [`Price::MINOR_UNITS_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Money", into = "Money")]
pub struct Price(Money);

/// What is wrong with what is said about a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProductError {
    /// A text is empty.
    Empty(&'static str),
    /// A text is longer than it may be, in bytes.
    TooLong(&'static str, usize),
    /// A text that is one line holds a control character.
    ControlCharacter(&'static str),
    /// A price is negative, or larger than any order could add up.
    PriceOutOfRange,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Draft {
    name: String,
    category: String,
    price: Price,
    #[serde(default)]
    description: String,
}

pub(super) const NAME_BYTES_MAX: usize = 200;
const DESCRIPTION_BYTES_MAX: usize = 4_000;

impl Description {
    /// The longest category, in bytes.
    pub const CATEGORY_BYTES_MAX: usize = 64;

    /// What is said about a product.
    ///
    /// # Errors
    /// When the name (1 to 200 bytes) or the category (1 to 64 bytes) is empty, too long or no single line, or the
    /// description is longer than 4000 bytes.
    pub fn new(
        name: impl Into<String>,
        category: impl Into<String>,
        price: Price,
        description: impl Into<String>,
    ) -> Result<Self, ProductError> {
        Draft {
            name: name.into(),
            category: category.into(),
            price,
            description: description.into(),
        }
        .try_into()
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is listed under.
    #[must_use]
    pub fn category(&self) -> &str {
        &self.category
    }

    /// What one costs.
    #[must_use]
    pub fn price(&self) -> Price {
        self.price
    }

    /// More words about it; may be empty.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }
}

impl TryFrom<Draft> for Description {
    type Error = ProductError;

    fn try_from(draft: Draft) -> Result<Self, ProductError> {
        check_line("name", &draft.name, NAME_BYTES_MAX)?;
        check_line("category", &draft.category, Description::CATEGORY_BYTES_MAX)?;
        if draft.description.len() > DESCRIPTION_BYTES_MAX {
            return Err(ProductError::TooLong("description", DESCRIPTION_BYTES_MAX));
        }
        Ok(Self {
            name: draft.name,
            category: draft.category,
            price: draft.price,
            description: draft.description,
        })
    }
}

pub(super) fn check_line(field: &'static str, text: &str, bytes_max: usize) -> Result<(), ProductError> {
    match text {
        "" => Err(ProductError::Empty(field)),
        text if text.len() > bytes_max => Err(ProductError::TooLong(field, bytes_max)),
        text if text.chars().any(char::is_control) => Err(ProductError::ControlCharacter(field)),
        _ => Ok(()),
    }
}

impl Price {
    /// The largest price in minor units: as many products as an order may have, as many of each as it may have, still
    /// add up within 64 bits.
    pub const MINOR_UNITS_MAX: i64 = 10_000_000_000;

    /// The money.
    #[must_use]
    pub fn money(&self) -> Money {
        self.0
    }
}

impl TryFrom<Money> for Price {
    type Error = ProductError;

    fn try_from(money: Money) -> Result<Self, ProductError> {
        if (0..=Self::MINOR_UNITS_MAX).contains(&money.minor_units()) {
            Ok(Self(money))
        } else {
            Err(ProductError::PriceOutOfRange)
        }
    }
}

impl From<Price> for Money {
    fn from(price: Price) -> Self {
        price.0
    }
}

impl fmt::Display for ProductError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty(field) => write!(formatter, "{field} is empty"),
            Self::TooLong(field, bytes_max) => {
                write!(formatter, "{field} is too long: the limit is {bytes_max} bytes")
            }
            Self::ControlCharacter(field) => {
                write!(
                    formatter,
                    "{field} contains a control character; it is one line of text"
                )
            }
            Self::PriceOutOfRange => write!(
                formatter,
                "a price is between 0 and {} minor units",
                Price::MINOR_UNITS_MAX
            ),
        }
    }
}

impl std::error::Error for ProductError {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(changes: &serde_json::Value) -> Result<Description, String> {
        let mut product = json!({"name": "Red teapot", "category": "teapots",
                                 "price": {"minorUnits": 1250, "currency": "EUR"}});
        let changes = changes.as_object().cloned().unwrap_or_default();
        product.as_object_mut().unwrap().extend(changes);
        serde_json::from_value(product).map_err(|error| error.to_string())
    }

    #[test]
    fn a_product_needs_no_description() {
        assert_eq!(read(&json!({})).unwrap().description(), "");
    }

    #[test]
    fn what_is_wrong_with_a_product_is_said_by_its_field() {
        for (changes, words) in [
            (json!({"name": ""}), "name is empty"),
            (json!({"name": "x".repeat(201)}), "name is too long"),
            (
                json!({"category": "tea\npots"}),
                "category contains a control character",
            ),
            (json!({"description": "x".repeat(4001)}), "description is too long"),
            (
                json!({"price": {"minorUnits": -1, "currency": "EUR"}}),
                "a price is between 0 and",
            ),
            (
                json!({"price": {"minorUnits": i64::MAX, "currency": "EUR"}}),
                "a price is between 0 and",
            ),
            (json!({"price": {"minorUnits": 1, "currency": "euro"}}), "ISO 4217"),
        ] {
            let error = read(&changes).unwrap_err();
            assert!(error.contains(words), "{changes}: {error}");
        }
    }
}
