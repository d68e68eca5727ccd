//! Bugs of what is read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use onecommit_engine::{DatabaseError, Item, Key, Page, Query, Table, TableReader, Value};
use onecommit_simulation::{EVENTS, Sabotage, SimulatedTables};

use super::bug::Bug;

pub(super) const BUGS: &[Bug] = &[
    Bug::sabotage(
        "snapshot-is-the-end",
        "A decision rests on the past: the events since the snapshot are not read.",
        |_| Arc::new(SnapshotIsTheEnd::default()),
    ),
    Bug::sabotage(
        "first-page-only",
        "A decision rests on the past: of a long stream only the first page is read.",
        |_| Arc::new(FirstPageOnly),
    ),
];

/// The version of the snapshot that was read last, by stream. There is nothing from the one after it on.
#[derive(Default)]
struct SnapshotIsTheEnd(Mutex<HashMap<String, u64>>);

#[async_trait]
impl Sabotage for SnapshotIsTheEnd {
    async fn get(&self, tables: &SimulatedTables, table: &Table, key: &Key) -> Result<Option<Item>, DatabaseError> {
        let row = tables.get(table, key).await?;
        let number = |name: &str| row.as_ref().and_then(|row| row.get(name)).and_then(Value::as_u64);
        let stream = row.as_ref().and_then(|row| row.get("stream")).and_then(Value::as_str);
        if let (true, Some(stream), Some(taken_at)) = (table.name() == EVENTS, stream, number("takenAt")) {
            let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            taken.insert(stream.to_owned(), taken_at);
        }
        Ok(row)
    }

    async fn query(&self, tables: &SimulatedTables, query: &Query) -> Result<Page, DatabaseError> {
        let stream = query.partition().1.as_str().unwrap_or_default();
        let from = query.bounds().and_then(|(_, least, _)| least.as_u64());
        let taken_at = {
            let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            taken.get(stream).copied()
        };
        if query.table().name() == EVENTS && taken_at.is_some() && from == taken_at.map(|version| version + 1) {
            return Ok(Page {
                rows: Vec::new(),
                next: None,
            });
        }
        tables.query(query).await
    }
}

/// Whoever reads the events table, the relay included.
struct FirstPageOnly;

#[async_trait]
impl Sabotage for FirstPageOnly {
    async fn query(&self, tables: &SimulatedTables, query: &Query) -> Result<Page, DatabaseError> {
        let mut page = tables.query(query).await?;
        if query.table().name() == EVENTS {
            page.next = None;
        }
        Ok(page)
    }
}
