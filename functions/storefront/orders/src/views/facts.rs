//! What a view knows of an order from its events, kept in a row per order: a view that counts needs facts of several events
//! at once, and they arrive in any order.

use std::sync::Arc;

use onecommit_engine::{Condition, Failure, Item, Key, TableReader, Update};
use onecommit_event::{Event, Payload, Timestamp};
use onecommit_views::ViewRows;
use storefront_money::Money;

use crate::views::fields::{Fields, ViewError};

/// What is known of an order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Facts {
    /// How many events have added something.
    known: u64,
    pub(crate) customer: Option<String>,
    pub(crate) total: Option<Money>,
    /// The days in UTC.
    pub(crate) confirmed_on: Option<String>,
    pub(crate) cancelled_on: Option<String>,
}

/// The rows of facts of a view.
#[derive(Clone)]
pub(crate) struct FactsByOrder {
    rows: Arc<dyn TableReader>,
    view: ViewRows,
}

/// What an event has added to the facts of its order, and the change that keeps it.
pub(crate) struct Learned {
    pub(crate) before: Facts,
    pub(crate) after: Facts,
    pub(crate) note: Update,
}

const KNOWN: &str = "known";
const CUSTOMER: &str = "customerId";
const CONFIRMED_ON: &str = "confirmedOn";
const CANCELLED_ON: &str = "cancelledOn";

impl FactsByOrder {
    pub(crate) fn new(rows: Arc<dyn TableReader>, view: ViewRows) -> Self {
        Self { rows, view }
    }

    pub(crate) fn view(&self) -> &ViewRows {
        &self.view
    }

    /// Adds what an event says. One read; the change is made only if no other event was faster, else the handler runs
    /// again.
    pub(crate) async fn learn<P: Payload>(
        &self,
        event: &Event<P>,
        fact: impl FnOnce(&mut Facts),
    ) -> Result<Learned, Failure> {
        let key = self.view.key(&format!("order#{}", event.aggregate().id()), "facts");
        let row = self.rows.get(self.view.table(), &key).await?;
        let before = row.as_ref().map(Facts::read).transpose()?.unwrap_or_default();
        let mut after = before.clone();
        fact(&mut after);
        after.known = before.known + 1;
        let note = self.note(key, &before, &after);
        Ok(Learned { before, after, note })
    }

    fn note(&self, key: Key, before: &Facts, after: &Facts) -> Update {
        let unchanged = match before.known {
            0 => Condition::absent(KNOWN),
            known => Condition::equals(KNOWN, known),
        };
        let mut row = self.view.table().update(key).set(KNOWN, after.known).only_if(unchanged);
        if let Some(total) = after.total {
            row = row
                .set("totalMinorUnits", total.minor_units())
                .set("currency", total.currency().to_string());
        }
        for (attribute, text) in [
            (CUSTOMER, &after.customer),
            (CONFIRMED_ON, &after.confirmed_on),
            (CANCELLED_ON, &after.cancelled_on),
        ] {
            if let Some(text) = text {
                row = row.set(attribute, text);
            }
        }
        row
    }
}

impl Facts {
    fn read(row: &Item) -> Result<Self, ViewError> {
        let fields = Fields(row);
        let total = row.contains_key("currency").then(|| fields.money()).transpose()?;
        Ok(Self {
            known: fields.count(KNOWN)?,
            customer: fields.text_if_any(CUSTOMER),
            total,
            confirmed_on: fields.text_if_any(CONFIRMED_ON),
            cancelled_on: fields.text_if_any(CANCELLED_ON),
        })
    }
}

pub(crate) fn day_of(moment: Timestamp) -> String {
    moment.to_string().chars().take(10).collect()
}
