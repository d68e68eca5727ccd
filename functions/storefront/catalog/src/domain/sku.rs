use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of a product in commands, rows and addresses: 1 to 64 letters, digits, `.`, `_` and `-`.
///
/// ```
/// # use storefront_catalog::Sku;
/// assert_eq!(Sku::new("TEAPOT-RED")?.as_str(), "TEAPOT-RED");
/// assert!(Sku::new("a teapot").is_err());
/// # Ok::<(), storefront_catalog::SkuError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^[A-Za-z0-9._-]{1,64}$"))]
pub struct Sku(String);

/// A text that is no SKU. It is not quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SkuError(());

/// The longest SKU, in bytes.
const BYTES_MAX: usize = 64;

impl Sku {
    /// The SKU of this text.
    ///
    /// # Errors
    /// When the text is empty, longer than 64 bytes, or holds something else than ASCII letters, digits, `.`, `_`, `-`.
    pub fn new(text: impl Into<String>) -> Result<Self, SkuError> {
        let text = text.into();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if (1..=BYTES_MAX).contains(&text.len()) && text.bytes().all(is_plain) {
            Ok(Self(text))
        } else {
            Err(SkuError(()))
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Sku {
    type Error = SkuError;

    fn try_from(text: String) -> Result<Self, SkuError> {
        Self::new(text)
    }
}

impl From<Sku> for String {
    fn from(sku: Sku) -> Self {
        sku.0
    }
}

impl fmt::Display for Sku {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Display for SkuError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "it is not an SKU: 1 to {BYTES_MAX} letters, digits, '.', '_' and '-'"
        )
    }
}

impl std::error::Error for SkuError {}
