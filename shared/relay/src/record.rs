use onecommit_engine::{Item, Value};
use onecommit_environment::Timestamp;

/// A row that was inserted into the events table, as the table's stream tells of it.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamRecord {
    /// When it was written.
    pub written_at: Timestamp,
    /// The row.
    pub row: Item,
}

/// The key of a row in the events table.
pub(crate) fn key_in(row: &Item) -> Option<(&str, u64)> {
    Some((row.get("stream")?.as_str()?, version_in(row)?))
}

pub(crate) fn version_in(row: &Item) -> Option<u64> {
    row.get("version").and_then(Value::as_u64)
}
