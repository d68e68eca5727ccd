use std::fmt;

use serde::{Deserialize, Serialize};
use storefront_money::Money;

/// What is said about a product, but for its SKU and its stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "Draft")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Description {
    name: String,
    category: String,
    price: Price,
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_url: Option<String>,
}

/// What one of a product costs: not negative, and at most [`Price::MINOR_UNITS_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Money", into = "Money")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
    /// The address of the picture is no https URL, or longer than it may be.
    ImageUrl,
    /// A price is negative, or larger than any order could add up.
    PriceOutOfRange,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ProductDraft))]
pub(crate) struct Draft {
    /// One line of 1 to 200 bytes.
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 1, max_length = 200, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$")
    )]
    name: String,
    /// One line of 1 to 64 bytes.
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 1, max_length = 64, pattern = r"^[^\x00-\x1f\x7f-\x9f]+$")
    )]
    category: String,
    price: Price,
    /// At most 4000 bytes.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 4000))]
    description: String,
    /// An https URL.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_length = 2048, pattern = "^https://"))]
    image_url: Option<String>,
}

pub(super) const NAME_BYTES_MAX: usize = 200;
const DESCRIPTION_BYTES_MAX: usize = 4_000;
const IMAGE_URL_BYTES_MAX: usize = 2_048;

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
            image_url: None,
        }
        .try_into()
    }

    /// The same, with a picture at this address.
    ///
    /// # Errors
    /// When it is no https URL, or longer than 2048 bytes.
    pub fn with_image(mut self, url: impl Into<String>) -> Result<Self, ProductError> {
        let url = url.into();
        check_image(&url)?;
        self.image_url = Some(url);
        Ok(self)
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

    /// The https address of a picture.
    #[must_use]
    pub fn image_url(&self) -> Option<&str> {
        self.image_url.as_deref()
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
        draft.image_url.as_deref().map_or(Ok(()), check_image)?;
        Ok(Self {
            name: draft.name,
            category: draft.category,
            price: draft.price,
            description: draft.description,
            image_url: draft.image_url,
        })
    }
}

/// Pages show it as the source of a picture, so it is https and nothing else, and names nobody's password.
fn check_image(text: &str) -> Result<(), ProductError> {
    let text =
        Some(text).filter(|text| text.len() <= IMAGE_URL_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic()));
    let rest = text.and_then(|text| text.strip_prefix("https://")).unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_odd = |character: char| "\"<>\\^`{|}".contains(character);
    let may_be_in_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    match !host.is_empty() && host.bytes().all(may_be_in_host) && !rest.contains(is_odd) {
        true => Ok(()),
        false => Err(ProductError::ImageUrl),
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
            Self::ImageUrl => write!(
                formatter,
                "imageUrl is not an https URL of at most {IMAGE_URL_BYTES_MAX} bytes"
            ),
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
    fn an_invalid_product_is_reported_by_field() {
        for (changes, words) in [
            (json!({"name": ""}), "name is empty"),
            (json!({"name": "x".repeat(201)}), "name is too long"),
            (
                json!({"category": "tea\npots"}),
                "category contains a control character",
            ),
            (json!({"description": "x".repeat(4001)}), "description is too long"),
            (
                json!({"imageUrl": "http://example.com/pot.png"}),
                "imageUrl is not an https URL",
            ),
            (
                json!({"imageUrl": "javascript:alert(1)"}),
                "imageUrl is not an https URL",
            ),
            (
                json!({"imageUrl": "https://ada:secret@example.com/"}),
                "imageUrl is not an https URL",
            ),
            (json!({"imageUrl": "https://"}), "imageUrl is not an https URL"),
            (
                json!({"imageUrl": "https://example.com/a b"}),
                "imageUrl is not an https URL",
            ),
            (
                json!({"imageUrl": format!("https://example.com/{}", "x".repeat(2048))}),
                "imageUrl is not an https URL",
            ),
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
