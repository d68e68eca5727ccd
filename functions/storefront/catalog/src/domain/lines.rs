use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::RefusalReason;
use crate::ReservedItem;
use crate::Sku;

/// The most products of one reservation: with the reservation's own row, its reply and the ledger's row they fill a
/// DynamoDB transaction.
pub const PRODUCTS_MAX: usize = 97;
/// The most of one product in one reservation.
pub const QUANTITY_MAX: u32 = 1_000_000;

/// What an order wants to hold: each product once, sorted by its SKU; never nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Lines(Vec<Line>);

/// So many of one product at this price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Line {
    /// The product.
    pub sku: Sku,
    /// How many.
    pub quantity: u32,
    /// The price of one, in the smallest unit of the reservation's currency.
    pub unit_price_minor: i64,
}

impl Lines {
    /// The items with those of one product added up.
    ///
    /// # Errors
    /// Why the items can never be reserved, and because of which product: there are none or more than [`PRODUCTS_MAX`], a
    /// quantity is 0 or more than [`QUANTITY_MAX`], a SKU is none, or one product has two prices.
    pub fn of(items: &[ReservedItem]) -> Result<Self, (RefusalReason, Option<String>)> {
        let mut lines: BTreeMap<Sku, Line> = BTreeMap::new();
        for item in items {
            let because = |reason| (reason, Some(item.sku.clone()));
            let sku = Sku::new(item.sku.as_str()).map_err(|_| because(RefusalReason::UnknownProduct))?;
            let line = lines.entry(sku.clone()).or_insert(Line {
                sku,
                quantity: 0,
                unit_price_minor: item.unit_price_minor,
            });
            if line.unit_price_minor != item.unit_price_minor {
                return Err(because(RefusalReason::PriceChanged));
            }
            line.quantity = line.quantity.saturating_add(item.quantity);
            if item.quantity == 0 || line.quantity > QUANTITY_MAX {
                return Err(because(RefusalReason::InvalidItems));
            }
        }
        if (1..=PRODUCTS_MAX).contains(&lines.len()) {
            Ok(Self(lines.into_values().collect()))
        } else {
            Err((RefusalReason::InvalidItems, None))
        }
    }

    /// Each product once.
    pub fn iter(&self) -> impl Iterator<Item = &Line> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(sku: &str, quantity: u32, unit_price_minor: i64) -> ReservedItem {
        ReservedItem {
            sku: sku.to_owned(),
            quantity,
            unit_price_minor,
        }
    }

    #[test]
    fn items_of_one_product_are_one_line() {
        let lines = Lines::of(&[item("b", 1, 5), item("a", 2, 7), item("b", 3, 5)]).unwrap();
        let seen: Vec<_> = lines.iter().map(|line| (line.sku.as_str(), line.quantity)).collect();
        assert_eq!(seen, [("a", 2), ("b", 4)]);
    }

    #[test]
    fn items_with_invalid_quantities_are_refused_by_product() {
        let many: Vec<_> = (0..=PRODUCTS_MAX)
            .map(|number| item(&format!("p{number}"), 1, 1))
            .collect();
        for (items, reason, sku) in [
            (vec![], RefusalReason::InvalidItems, None),
            (many, RefusalReason::InvalidItems, None),
            (vec![item("a", 0, 1)], RefusalReason::InvalidItems, Some("a")),
            (vec![item("a", u32::MAX, 1)], RefusalReason::InvalidItems, Some("a")),
            (
                vec![item("a", QUANTITY_MAX, 1), item("a", u32::MAX, 1)],
                RefusalReason::InvalidItems,
                Some("a"),
            ),
            (vec![item("a b", 1, 1)], RefusalReason::UnknownProduct, Some("a b")),
            (vec![item("", 1, 1)], RefusalReason::UnknownProduct, Some("")),
            (
                vec![item("a", 1, 1), item("a", 1, 2)],
                RefusalReason::PriceChanged,
                Some("a"),
            ),
        ] {
            assert_eq!(Lines::of(&items), Err((reason, sku.map(str::to_owned))), "{items:?}");
        }
    }
}
