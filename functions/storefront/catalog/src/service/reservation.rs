//! A reservation's row, and what one step makes of it.

use onecommit_engine::{Commit, Condition, Item, Key, Table, Value, Write};
use onecommit_event::{Aggregate, EventError, NewEvent};
use serde::Serialize;
use serde::de::DeserializeOwned;
use storefront_money::Currency;

use crate::service::product;
use crate::service::row::{Row, RowError};
use crate::{
    InventoryConfirmed, InventoryRefused, InventoryReleased, InventoryReserved, InventoryUnchanged, Line, Lines,
    RefusalReason, ReservationState, ReservedItem, Said, Step, StockMove,
};

/// The type of the streams that this context writes.
const AGGREGATE_TYPE: &str = "Reservation";
/// The sparse index of reservations that hold stock: only they have the attribute that is its key. Its sort key is
/// [`EXPIRES_AT`].
pub(crate) const EXPIRING_INDEX: &str = "expiring";
/// The key of that index.
pub(crate) const EXPIRING: &str = "expiring";
/// When a reservation's time is over, RFC 3339 in UTC with milliseconds, so that texts sort as moments do.
pub(crate) const EXPIRES_AT: &str = "expiresAt";
/// How many partitions the index is spread over: each takes a thousand writes a second.
const SHARDS: u64 = 8;

/// A reservation as its row has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reservation {
    pub(crate) order_id: String,
    pub(crate) state: ReservationState,
    /// What it holds or held; nothing when it was never asked for in a way that could be held.
    pub(crate) content: Option<Content>,
    pub(crate) expires_at: Option<String>,
    pub(crate) refusal: Option<(RefusalReason, Option<String>)>,
    /// How many events its stream has.
    pub(crate) version: u64,
    /// Of the message that it began with, for what happens to it without one.
    pub(crate) correlation_id: String,
}

/// What a reservation is for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Content {
    pub(crate) lines: Lines,
    pub(crate) currency: Currency,
}

/// What one step writes, and what it says.
pub(crate) struct Turn {
    pub(crate) writes: Vec<Write>,
    pub(crate) stream: Aggregate,
    pub(crate) version_before: u64,
    pub(crate) event: NewEvent,
}

pub(crate) fn key(order_id: &str) -> Key {
    Key::of_view(format!("{PARTITION_PREFIX}{order_id}"), "reservation")
}

/// Whether an order may have this id, which is part of keys and the name of a stream.
pub(crate) fn check_order(order_id: &str) -> Result<(), EventError> {
    Aggregate::new(AGGREGATE_TYPE, order_id).map(drop)
}

const PARTITION_PREFIX: &str = "reservation#";

/// The order of a reservation, by a row that holds the key alone.
pub(crate) fn order_of(row: &Item) -> Result<&str, RowError> {
    let partition = row.get("pk").and_then(Value::as_str);
    let order_id = partition.and_then(|partition| partition.strip_prefix(PARTITION_PREFIX));
    order_id.ok_or_else(|| Row(row).error("pk"))
}

/// The partitions of the index of reservations that hold stock.
pub(crate) fn shards() -> impl Iterator<Item = String> {
    (0..SHARDS).map(|shard| format!("shard-{shard}"))
}

fn shard_of(order_id: &str) -> String {
    // All that matters is that orders spread, and that one stays where it is.
    let hash = order_id
        .bytes()
        .fold(0_u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
    format!("shard-{}", hash % SHARDS)
}

impl Reservation {
    pub(crate) fn read(row: &Item) -> Result<Self, RowError> {
        let order_id = order_of(row)?.to_owned();
        let row = Row(row);
        let content = match read_lines(&row)? {
            Some(lines) => Some(Content {
                lines,
                currency: Currency::new(row.text("currency")?).map_err(|_| row.error("currency"))?,
            }),
            None => None,
        };
        let reason: Option<RefusalReason> = read_word(&row, "refusalReason")?;
        Ok(Self {
            order_id,
            state: read_word(&row, "state")?.ok_or_else(|| row.error("state"))?,
            content,
            expires_at: row.text_if_any(EXPIRES_AT).map(str::to_owned),
            refusal: reason.map(|reason| (reason, row.text_if_any("refusedSku").map(str::to_owned))),
            version: u64::try_from(row.number("version")?).map_err(|_| row.error("version"))?,
            correlation_id: row.text("correlationId")?.to_owned(),
        })
    }

    /// What follows for the rows, and what is said; nothing when there is nothing to say. `before` is the version of
    /// the row that was read, nothing when there was none.
    pub(crate) fn take(mut self, step: Step, before: Option<u64>, table: &Table) -> Result<Option<Turn>, EventError> {
        let Some(said) = step.says else { return Ok(None) };
        self.state = step.to;
        self.version = before.unwrap_or(0) + 1;
        let mut writes = vec![self.write(before, table)];
        if let Some(moves) = step.moves {
            writes.extend(self.moves(moves, table));
        }
        Ok(Some(Turn {
            writes,
            stream: Aggregate::new(AGGREGATE_TYPE, &*self.order_id)?,
            version_before: self.version - 1,
            event: self.say(said)?,
        }))
    }

    /// The whole row, in place of the one that was read.
    fn write(&self, before: Option<u64>, table: &Table) -> Write {
        let mut row: Item = [
            ("orderId", Value::from(&self.order_id)),
            ("state", write_word(&self.state)),
            ("version", self.version.into()),
            ("correlationId", (&self.correlation_id).into()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let mut add = |name: &str, value: Value| drop(row.insert(name.to_owned(), value));
        if let Some(content) = &self.content {
            add("items", write_lines(&content.lines));
            add("currency", content.currency.to_string().into());
        }
        if let Some(expires_at) = &self.expires_at {
            add(EXPIRES_AT, expires_at.into());
        }
        if self.state == ReservationState::Held {
            add(EXPIRING, shard_of(&self.order_id).into());
        }
        if let Some((reason, sku)) = &self.refusal {
            add("refusalReason", write_word(reason));
            if let Some(sku) = sku {
                add("refusedSku", sku.into());
            }
        }
        let put = table.put(key(&self.order_id), row);
        match before {
            None => put.only_if_absent().into(),
            Some(version) => put.only_if(Condition::equals("version", version)).into(),
        }
    }

    fn moves(&self, moves: StockMove, table: &Table) -> impl Iterator<Item = Write> {
        let content = self.content.iter();
        content.flat_map(move |content| {
            content.lines.iter().map(move |line| {
                let update = product::move_stock(table, &line.sku, moves, line.quantity.into());
                match moves {
                    StockMove::Hold => update.only_if(product::costs(line, content.currency)).into(),
                    _ => update.into(),
                }
            })
        })
    }

    fn say(&self, said: Said) -> Result<NewEvent, EventError> {
        let order_id = self.order_id.clone();
        let refused = |(reason, sku)| InventoryRefused {
            order_id: order_id.clone(),
            reason,
            sku,
        };
        match said {
            Said::Reserved => NewEvent::of(&InventoryReserved {
                expires_at: self.expires_at.clone().unwrap_or_default(),
                order_id,
            }),
            Said::Refused => {
                let refusal = self.refusal.clone();
                NewEvent::of(&refused(refusal.unwrap_or((RefusalReason::Released, None))))
            }
            Said::TooLate => NewEvent::of(&refused((RefusalReason::Released, None))),
            Said::Released | Said::Expired => NewEvent::of(&InventoryReleased {
                order_id,
                expired: said == Said::Expired,
            }),
            Said::Unchanged => NewEvent::of(&InventoryUnchanged { order_id }),
            Said::Confirmed => NewEvent::of(&InventoryConfirmed { order_id }),
        }
    }
}

impl From<Turn> for Commit {
    fn from(turn: Turn) -> Self {
        let commit = turn.writes.into_iter().fold(Self::nothing(), Self::with);
        commit.append(turn.stream, turn.version_before, [turn.event])
    }
}

fn write_lines(lines: &Lines) -> Value {
    let attributes = |line: &Line| -> Item {
        [
            ("sku", Value::from(line.sku.as_str())),
            ("quantity", line.quantity.into()),
            ("unitPriceMinor", line.unit_price_minor.into()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    };
    Value::List(lines.iter().map(|line| Value::Map(attributes(line))).collect())
}

fn read_lines(row: &Row<'_>) -> Result<Option<Lines>, RowError> {
    let Some(value) = row.0.get("items") else {
        return Ok(None);
    };
    let items = match value {
        Value::List(items) => items.iter().map(read_item).collect::<Option<Vec<_>>>(),
        _ => None,
    };
    let lines = items.and_then(|items| Lines::of(&items).ok());
    lines.map(Some).ok_or_else(|| row.error("items"))
}

fn read_item(item: &Value) -> Option<ReservedItem> {
    let Value::Map(item) = item else { return None };
    Some(ReservedItem {
        sku: item.get("sku")?.as_str()?.to_owned(),
        quantity: u32::try_from(item.get("quantity")?.as_u64()?).ok()?,
        unit_price_minor: item.get("unitPriceMinor")?.as_i64()?,
    })
}

/// The name of a variant, which serde writes as a text.
fn write_word(variant: &impl Serialize) -> Value {
    Value::of(variant).unwrap_or(Value::Null)
}

fn read_word<T: DeserializeOwned>(row: &Row<'_>, attribute: &'static str) -> Result<Option<T>, RowError> {
    let word = row
        .text_if_any(attribute)
        .map(|word| serde_json::from_value(word.into()));
    word.transpose().map_err(|_| row.error(attribute))
}
