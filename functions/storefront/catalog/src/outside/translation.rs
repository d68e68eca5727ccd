//! The outside catalog's forms as values of this context.

use std::fmt;

use storefront_money::{Currency, DecimalError, Money};
use tracing::warn;

use super::forms::OutsideProduct;
use crate::{Offer, Price, ProductError, Sku};

/// An answer that is well-formed, and yet not a product of this context. It names the field, and no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Untranslatable {
    field: &'static str,
    problem: String,
}

impl Untranslatable {
    fn new(field: &'static str, problem: impl fmt::Display) -> Self {
        Self {
            field,
            problem: problem.to_string(),
        }
    }
}

impl fmt::Display for Untranslatable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.field, self.problem)
    }
}

impl std::error::Error for Untranslatable {}

impl OutsideProduct {
    pub(super) fn into_offer(self, asked: &Sku) -> Result<Offer, Untranslatable> {
        if self.product_code != asked.as_str() {
            return Err(Untranslatable::new("product_code", "it is another product's"));
        }
        let price = self.price()?;
        let is_available = self.is_available();
        let offer = Offer::new(asked.clone(), self.display_name, price, is_available);
        offer.map_err(|error: ProductError| Untranslatable::new("display_name", error))
    }

    fn price(&self) -> Result<Price, Untranslatable> {
        let wrong_amount = |error: DecimalError| Untranslatable::new("unit_price.amount", error);
        let currency = Currency::new(&self.unit_price.currency)
            .map_err(|error| Untranslatable::new("unit_price.currency", error))?;
        let text = self.unit_price.amount.get();
        let text = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'))
            .unwrap_or(text);
        let money = Money::of_decimal(text, currency).map_err(wrong_amount)?;
        Price::try_from(money).map_err(|error| Untranslatable::new("unit_price.amount", error))
    }

    /// A word that nobody here knows is not availability: nothing is sold because of it.
    fn is_available(&self) -> bool {
        match self.inventory.status.as_str() {
            "in_stock" | "low_stock" => true,
            "out_of_stock" | "discontinued" => false,
            _ => {
                warn!("outside catalog has an inventory.status that is unknown; the product counts as not available");
                false
            }
        }
    }
}
