use crate::domain::product::{NAME_BYTES_MAX, check_line};
use crate::domain::{Price, ProductError, Sku};

/// A product as somebody else offers it: what this context says of its own products is in [`Description`](crate::Description).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    sku: Sku,
    name: String,
    price: Price,
    is_available: bool,
}

impl Offer {
    /// An offer.
    ///
    /// # Errors
    /// When the name (1 to 200 bytes) is empty, too long or no single line.
    pub fn new(sku: Sku, name: impl Into<String>, price: Price, is_available: bool) -> Result<Self, ProductError> {
        let name = name.into();
        check_line("name", &name, NAME_BYTES_MAX)?;
        Ok(Self {
            sku,
            name,
            price,
            is_available,
        })
    }

    /// Which product.
    #[must_use]
    pub fn sku(&self) -> &Sku {
        &self.sku
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What one costs.
    #[must_use]
    pub fn price(&self) -> Price {
        self.price
    }

    /// Whether it can be had. Where nobody knows, it cannot.
    #[must_use]
    pub fn is_available(&self) -> bool {
        self.is_available
    }
}
