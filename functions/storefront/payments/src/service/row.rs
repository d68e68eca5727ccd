//! How a payment lies in the table: one row, which also notes how long the payment's stream is, so that a command is one
//! read and one transaction.

use std::collections::BTreeSet;

use onecommit_engine::{Condition, Item, Key, Put, Table, Value};
use onecommit_event::Timestamp;
use storefront_money::{Currency, Money};

use crate::{DeclineReason, Payment, PaymentId, Status, Terms};

/// A payment and the version of its stream.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Known {
    pub(crate) payment: Payment,
    pub(crate) version: u64,
    /// What was told of it.
    pub(crate) told: BTreeSet<Fact>,
    is_stored: bool,
}

/// A payment after a message, and what was told of it.
pub(crate) struct Next<'a> {
    pub(crate) payment: &'a Payment,
    pub(crate) told: &'a BTreeSet<Fact>,
    /// How many events were told by this message.
    pub(crate) events: u64,
}

/// What is told of a payment once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fact {
    Processed,
    Refunded,
}

impl Fact {
    const ALL: [Self; 2] = [Self::Processed, Self::Refunded];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Processed => "PaymentProcessed",
            Self::Refunded => "PaymentRefunded",
        }
    }
}

pub(crate) fn key(payment: &PaymentId) -> Key {
    Key::new("paymentId", payment.as_str())
}

impl Known {
    /// What a row says.
    ///
    /// # Errors
    /// Names the attribute that is not as this code writes it.
    pub(crate) fn read(row: Option<&Item>) -> Result<Self, UnreadableRow> {
        let Some(row) = row else {
            return Ok(Self {
                payment: Payment::created(),
                version: 0,
                told: BTreeSet::new(),
                is_stored: false,
            });
        };
        let version = row.get("streamVersion").and_then(Value::as_u64);
        let version = version.ok_or(UnreadableRow("streamVersion"))?;
        let status = status(row).ok_or(UnreadableRow("status"))?;
        Ok(Self {
            payment: Payment {
                terms: terms(row)?,
                status,
            },
            version,
            told: told(row, status, version),
            is_stored: true,
        })
    }

    /// The write that makes the row say this, if nobody else has changed it since it was read.
    pub(crate) fn replaced_by(
        &self,
        table: &Table,
        id: &PaymentId,
        order_id: &str,
        next: &Next<'_>,
        at: Timestamp,
    ) -> Put {
        let Next { payment, told, events } = *next;
        let mut row = Item::from([
            ("orderId".to_owned(), Value::from(order_id)),
            ("status".to_owned(), status_word(payment.status).into()),
            ("streamVersion".to_owned(), (self.version + events).into()),
            ("updatedAt".to_owned(), at.to_string().into()),
            (
                TOLD.to_owned(),
                Value::List(told.iter().map(|fact| fact.word().into()).collect()),
            ),
        ]);
        if let Status::Declined(reason) = payment.status {
            row.insert("declineReason".to_owned(), reason.as_str().into());
        }
        if let Some(terms) = &payment.terms {
            row.insert("customerId".to_owned(), (&terms.customer_id).into());
            row.insert("method".to_owned(), (&terms.method).into());
            row.insert("amountMinorUnits".to_owned(), terms.amount.minor_units().into());
            row.insert("currency".to_owned(), terms.amount.currency().to_string().into());
        }
        table.put(key(id), row).only_if(self.unchanged())
    }

    fn unchanged(&self) -> Condition {
        if self.is_stored {
            Condition::equals("streamVersion", self.version)
        } else {
            Condition::absent("paymentId")
        }
    }
}

const TOLD: &str = "told";

/// Rows of earlier versions do not say what was told of them: whatever had happened by their first event.
fn told(row: &Item, status: Status, version: u64) -> BTreeSet<Fact> {
    let facts = Fact::ALL.into_iter();
    match (row.get(TOLD), status) {
        (Some(Value::List(words)), _) => facts
            .filter(|fact| words.iter().any(|word| word.as_str() == Some(fact.word())))
            .collect(),
        (_, Status::Captured) if version > 0 => BTreeSet::from([Fact::Processed]),
        (_, Status::Refunded | Status::Voided) if version > 0 => facts.collect(),
        _ => BTreeSet::new(),
    }
}

/// A row that this code did not write.
#[derive(Debug, thiserror::Error)]
#[error("the attribute {0} of a payment's row is missing or invalid; check which code wrote the row")]
pub(crate) struct UnreadableRow(&'static str);

fn text<'a>(row: &'a Item, name: &'static str) -> Result<&'a str, UnreadableRow> {
    row.get(name).and_then(Value::as_str).ok_or(UnreadableRow(name))
}

/// Terms in a row, if there are any.
pub(crate) fn terms(row: &Item) -> Result<Option<Terms>, UnreadableRow> {
    let Some(minor_units) = row.get("amountMinorUnits") else {
        return Ok(None);
    };
    let minor_units = minor_units.as_i64().ok_or(UnreadableRow("amountMinorUnits"))?;
    let currency = Currency::new(text(row, "currency")?).map_err(|_| UnreadableRow("currency"))?;
    Ok(Some(Terms {
        order_id: text(row, "orderId")?.to_owned(),
        customer_id: text(row, "customerId")?.to_owned(),
        amount: Money::new(minor_units, currency),
        method: text(row, "method")?.to_owned(),
    }))
}

pub(crate) fn status_word(status: Status) -> &'static str {
    match status {
        Status::Created => "created",
        Status::Captured => "captured",
        Status::Declined(_) => "declined",
        Status::Voided => "voided",
        Status::Refunded => "refunded",
    }
}

fn status(row: &Item) -> Option<Status> {
    let reason = row.get("declineReason").and_then(Value::as_str).unwrap_or_default();
    match row.get("status")?.as_str()? {
        "created" => Some(Status::Created),
        "captured" => Some(Status::Captured),
        "declined" => Some(Status::Declined(DeclineReason::of(reason))),
        "voided" => Some(Status::Voided),
        "refunded" => Some(Status::Refunded),
        _ => None,
    }
}
