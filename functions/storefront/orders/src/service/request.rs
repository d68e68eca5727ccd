//! A customer's order as it arrives, and everything that is wrong with it at once.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Number;
use storefront_money::{Currency, Money};

use crate::{Line, OrderRequested};

/// The most lines of an order: 50.
///
/// An order's largest transaction is its reservation: a row for each product, the reservation's own, the ledger's and
/// the answer. DynamoDB takes 100 rows, so 97 products would fit; 50 leave room for what a reservation may need later.
pub const LINES_MAX: usize = 50;
/// The longest id, SKU and payment method, in bytes: 64. With [`LINES_MAX`] lines a request stays below 10 KB, far from
/// the 256 KiB of an SNS message.
pub const TEXT_BYTES_MAX: usize = 64;
/// The largest quantity of one line. With it a line's price has to be below 9.2 billion million units to overflow.
const QUANTITY_MAX: u64 = 1_000_000;

/// An order as a customer's client sends it.
// What is missing or of the wrong size is reported together with everything else, so nothing is demanded here but JSON of
// this shape.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub(crate) struct PlaceOrder {
    /// The caller's, so that the same order sent again is one order; made up if it is left out.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(pattern = "^[A-Za-z0-9_-]{1,64}$"))]
    pub(crate) order_id: Option<String>,
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = true, pattern = "^[A-Za-z0-9_-]{1,64}$"))]
    customer_id: String,
    /// Each product once.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = true, min_items = 1, max_items = 50))]
    items: Vec<WantedLine>,
    /// The ISO 4217 code of a currency.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = true, pattern = "^[A-Z]{3}$"))]
    currency: String,
    /// As the payment provider calls it; 1 to 64 bytes.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = true, min_length = 1, max_length = 64))]
    payment_method: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
struct WantedLine {
    /// 1 to 64 bytes.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = true, min_length = 1, max_length = 64))]
    sku: String,
    // Any number, so that one too large for 64 bits is a problem among others.
    #[cfg_attr(feature = "openapi", schema(value_type = u32, required = true, minimum = 1, maximum = 1_000_000))]
    quantity: Option<Number>,
    /// The price of one, in the smallest unit of the order's currency.
    #[cfg_attr(feature = "openapi", schema(value_type = i64, required = true, minimum = 0))]
    unit_price_minor: Option<Number>,
    /// The order's, if it is said.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[A-Z]{3}$"))]
    currency: Option<String>,
}

/// What is wrong with one field.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    /// For example `items[2].quantity`.
    pub(crate) field: String,
    /// What is wrong, and what would be right.
    pub(crate) message: String,
}

impl PlaceOrder {
    /// The request as the context understands it.
    ///
    /// # Errors
    /// With all problems at once.
    pub(crate) fn checked(self) -> Result<OrderRequested, Vec<Problem>> {
        let mut problems = Problems::default();
        if let Some(id) = &self.order_id {
            problems.check_id("orderId", id);
        }
        problems.check_id("customerId", &self.customer_id);
        problems.check_text("paymentMethod", &self.payment_method);
        let currency = problems.currency(&self.currency);
        problems.check_lines(&self.items);
        let items: Vec<Option<Line>> = (0..)
            .zip(&self.items)
            .map(|(place, line)| problems.line(place, line, &self.currency))
            .collect();
        let items: Option<Vec<Line>> = items.into_iter().collect();
        let total = match (currency, &items) {
            (Some(currency), Some(items)) => problems.total(currency, items),
            _ => None,
        };
        match (items, total) {
            (Some(items), Some(total)) if problems.0.is_empty() => Ok(OrderRequested {
                customer_id: self.customer_id,
                items,
                total,
                payment_method: self.payment_method,
            }),
            _ => Err(problems.0),
        }
    }
}

#[derive(Default)]
struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(Problem {
            field: field.into(),
            message: message.into(),
        });
    }

    /// Ids end up in paths, keys and other contexts' ids.
    fn check_id(&mut self, field: &str, id: &str) {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
        if id.is_empty() || id.len() > TEXT_BYTES_MAX || !id.chars().all(is_plain) {
            self.add(
                field,
                format!("it has to be 1 to {TEXT_BYTES_MAX} letters, digits, - or _"),
            );
        }
    }

    fn check_text(&mut self, field: impl Into<String>, text: &str) {
        if text.is_empty() || text.len() > TEXT_BYTES_MAX || text.chars().any(char::is_control) {
            self.add(
                field,
                format!("it has to be 1 to {TEXT_BYTES_MAX} bytes of text without control characters"),
            );
        }
    }

    fn currency(&mut self, code: &str) -> Option<Currency> {
        let known = iso_currency::Currency::from_code(code).filter(|known| *known != iso_currency::Currency::XXX);
        let currency = known.and_then(|_| Currency::new(code).ok());
        if currency.is_none() {
            self.add("currency", "it has to be the ISO 4217 code of a currency, like EUR");
        }
        currency
    }

    fn check_lines(&mut self, lines: &[WantedLine]) {
        if lines.is_empty() {
            self.add("items", "an order needs at least one line");
        }
        if lines.len() > LINES_MAX {
            self.add(
                "items",
                format!(
                    "it has {} lines; the limit is {LINES_MAX}. Place several orders",
                    lines.len()
                ),
            );
        }
        let mut seen = BTreeSet::new();
        for (place, line) in lines.iter().enumerate() {
            if !seen.insert(&line.sku) && !line.sku.is_empty() {
                self.add(
                    format!("items[{place}].sku"),
                    "the product is in an earlier line; add the quantities",
                );
            }
        }
    }

    fn line(&mut self, place: usize, line: &WantedLine, currency: &str) -> Option<Line> {
        let field = |name: &str| format!("items[{place}].{name}");
        self.check_text(field("sku"), &line.sku);
        if line.currency.as_ref().is_some_and(|other| other != currency) {
            self.add(field("currency"), "it differs from the order's; order in one currency");
        }
        let quantity = line.quantity.as_ref().and_then(Number::as_u64);
        let quantity = quantity.filter(|quantity| (1..=QUANTITY_MAX).contains(quantity));
        if quantity.is_none() {
            self.add(
                field("quantity"),
                format!("it has to be a whole number from 1 to {QUANTITY_MAX}"),
            );
        }
        let unit_price_minor = line.unit_price_minor.as_ref().and_then(Number::as_i64);
        let unit_price_minor = unit_price_minor.filter(|price| *price >= 0);
        if unit_price_minor.is_none() {
            self.add(
                field("unitPriceMinor"),
                "it has to be a whole number of the currency's smallest unit, not negative, below 2^63",
            );
        }
        Some(Line {
            sku: line.sku.clone(),
            quantity: u32::try_from(quantity?).ok()?,
            unit_price_minor: unit_price_minor?,
        })
    }

    fn total(&mut self, currency: Currency, lines: &[Line]) -> Option<Money> {
        let nothing = Money::new(0, currency);
        let sum = lines.iter().try_fold(nothing, |sum, line| {
            let price = Money::new(line.unit_price_minor, currency).times(i64::from(line.quantity))?;
            sum.plus(price)
        });
        match sum {
            Err(_) => {
                self.add("items", "the lines add up to more than an amount can hold, 2^63 - 1");
                None
            }
            Ok(sum) if sum.minor_units() == 0 && !lines.is_empty() => {
                self.add(
                    "items",
                    "the total of the lines is zero; an order has to cost something",
                );
                None
            }
            Ok(sum) => Some(sum),
        }
    }
}

/// The names of the fields in which two requests differ.
pub(crate) fn differences(one: &OrderRequested, other: &OrderRequested) -> Vec<&'static str> {
    let fields = [
        ("customerId", one.customer_id == other.customer_id),
        ("items", one.items == other.items),
        ("currency", one.total.currency() == other.total.currency()),
        ("paymentMethod", one.payment_method == other.payment_method),
    ];
    let differing = fields.into_iter().filter(|(_, same)| !same);
    differing.map(|(name, _)| name).collect()
}
