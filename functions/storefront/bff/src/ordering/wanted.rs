use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use onecommit_http::ApiError;
use serde::Deserialize;

use crate::services::Requested;

/// The most lines of an order, as the context orders has it.
const LINES_MAX: usize = 50;
const QUANTITY_MAX: u32 = 1_000_000;
const TEXT_BYTES_MAX: usize = 64;

/// An order as a client sends it. It says what and how many, never at what price: a field for that is refused, so that nobody
/// believes that it counts.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct WantedOrder {
    pub(crate) items: Vec<WantedItem>,
    pub(crate) payment_method: String,
}

/// So many of one product.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedItem {
    pub(crate) sku: String,
    pub(crate) quantity: u32,
}

impl WantedOrder {
    /// # Errors
    /// 422, with all that is wrong at once.
    pub(super) fn check(&self) -> Result<(), ApiError> {
        let mut wrong = Vec::new();
        if self.items.is_empty() || self.items.len() > LINES_MAX {
            wrong.push(format!("items: there have to be 1 to {LINES_MAX}"));
        }
        let mut seen = BTreeSet::new();
        for (place, WantedItem { sku, quantity }) in self.items.iter().enumerate() {
            if !is_sku(sku) {
                wrong.push(format!(
                    "items[{place}].sku: it has to be 1 to {TEXT_BYTES_MAX} letters, digits, '.', '_' or '-'"
                ));
            }
            if !seen.insert(sku) {
                wrong.push(format!("items[{place}].sku: the product is in the order already"));
            }
            if !(1..=QUANTITY_MAX).contains(quantity) {
                wrong.push(format!(
                    "items[{place}].quantity: it has to be from 1 to {QUANTITY_MAX}"
                ));
            }
        }
        let method = &self.payment_method;
        if !(1..=TEXT_BYTES_MAX).contains(&method.len()) || method.chars().any(char::is_control) {
            wrong.push(format!(
                "paymentMethod: it has to be 1 to {TEXT_BYTES_MAX} bytes of text without control characters"
            ));
        }
        match wrong.is_empty() {
            true => Ok(()),
            false => Err(not_valid(wrong.join("; "))),
        }
    }

    pub(super) fn skus(&self) -> Vec<String> {
        self.items.iter().map(|item| item.sku.clone()).collect()
    }

    /// Whether an order was requested with just this. What it cost then is not part of it.
    pub(super) fn is_what_was(&self, requested: &Requested) -> bool {
        let wanted: BTreeMap<_, _> = self.items.iter().map(|item| (&item.sku, item.quantity)).collect();
        let before: BTreeMap<_, _> = requested.items.iter().map(|line| (&line.sku, line.quantity)).collect();
        wanted == before && self.payment_method == requested.payment_method
    }
}

pub(super) fn not_valid(message: impl Into<String>) -> ApiError {
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "invalidOrder", message)
}

/// As the catalog names products.
pub(crate) fn is_sku(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=TEXT_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_plain)
}
