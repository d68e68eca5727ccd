//! The aggregate of the event-store benchmark: the same payload and the same fold for every contestant, which include this
//! file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What happens to a cart. About 600 bytes of JSON, half of them names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ItemsAdded {
    pub(crate) writer: u32,
    pub(crate) customer_id: String,
    pub(crate) session: String,
    pub(crate) note: String,
    pub(crate) items: Vec<Item>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Item {
    pub(crate) sku: String,
    pub(crate) title: String,
    pub(crate) quantity: u32,
    pub(crate) unit_price_minor: i64,
    pub(crate) currency: String,
}

/// What its events make of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cart {
    pub(crate) events: u64,
    pub(crate) total_minor: i64,
    pub(crate) by_writer: BTreeMap<u32, u64>,
}

impl Cart {
    pub(crate) fn add(&mut self, added: &ItemsAdded) {
        self.events += 1;
        let prices = added
            .items
            .iter()
            .map(|item| i64::from(item.quantity) * item.unit_price_minor);
        self.total_minor += prices.sum::<i64>();
        *self.by_writer.entry(added.writer).or_default() += 1;
    }
}

impl ItemsAdded {
    /// Four items, added by this writer.
    pub(crate) fn by(writer: u32) -> Self {
        let item = |sku: &str, title: &str, quantity, unit_price_minor| Item {
            sku: sku.to_owned(),
            title: title.to_owned(),
            quantity,
            unit_price_minor,
            currency: "EUR".to_owned(),
        };
        Self {
            writer,
            customer_id: "cus_0192f0c15d3e7a10".to_owned(),
            session: "0192f0c1-5d3e-7a10-9c1f-2b7e4d6a8c90".to_owned(),
            note: "leave it with the neighbours on the second floor".to_owned(),
            items: vec![
                item("SKU-TEAPOT-0001", "Teapot, cast iron", 1, 4_900),
                item("SKU-TEACUP-0002", "Teacup", 4, 1_250),
                item("SKU-SAUCER-0003", "Saucer", 4, 800),
                item("SKU-STRAIN-0004", "Strainer, silver", 1, 1_490),
            ],
        }
    }
}
