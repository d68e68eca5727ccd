use std::collections::VecDeque;

use onecommit_commit::{Item, Scan, Value};
use onecommit_event::{Aggregate, Event};

use crate::error::StoreError;
use crate::reading::Reading;
use crate::store::EventStore;

/// Every event of the store, stream after stream, each in its order: for rebuilding views, republishing and audits.
///
/// It is a scan: DynamoDB takes read units for the whole table. DynamoDB promises no order of a scan, so a stream that
/// comes in disorder is read again as a stream. An event may then be told twice, and one that is appended meanwhile
/// may be told or not; what was there before the first page is told at least once.
pub struct Replay<'a> {
    store: &'a EventStore,
    page: VecDeque<Item>,
    next_page: Option<Scan>,
    current: Option<Aggregate>,
    next_version: u64,
    reading: Option<Reading<'a>>,
    rows_seen: u64,
}

impl<'a> Replay<'a> {
    pub(crate) fn new(store: &'a EventStore) -> Self {
        Self {
            store,
            page: VecDeque::new(),
            next_page: Some(store.log().table().scan()),
            current: None,
            next_version: 1,
            reading: None,
            rows_seen: 0,
        }
    }

    /// How many rows of the table it has seen so far, for showing progress.
    #[must_use]
    pub fn rows_seen(&self) -> u64 {
        self.rows_seen
    }

    /// The next event, brought to the schema that the code knows; `None` when there is no more.
    ///
    /// # Errors
    /// See [`StoreError`]. It may be called again after a transient one.
    pub async fn next(&mut self) -> Result<Option<Event>, StoreError> {
        loop {
            if let Some(reading) = &mut self.reading {
                if let Some(event) = reading.next().await? {
                    self.next_version = event.metadata().sequence.unwrap_or(self.next_version) + 1;
                    return Ok(Some(event));
                }
                self.reading = None;
            }
            let Some(row) = self.next_row().await? else {
                return Ok(None);
            };
            let version = row.get("version").and_then(Value::as_u64).unwrap_or(0);
            if version == 0 {
                continue; // A snapshot.
            }
            let event = self.store.event_in(&row)?;
            let is_current = self.current.as_ref() == Some(event.aggregate());
            if !is_current {
                self.current = Some(event.aggregate().clone());
                self.next_version = 1;
            }
            if version == self.next_version {
                self.next_version += 1;
                return Ok(Some(event));
            }
            if version > self.next_version {
                self.reading = Some(self.store.read(event.aggregate(), self.next_version));
            }
        }
    }

    async fn next_row(&mut self) -> Result<Option<Item>, StoreError> {
        while self.page.is_empty() {
            let Some(scan) = &self.next_page else { return Ok(None) };
            let page = self.store.rows().scan(scan).await?;
            self.page = page.rows.into();
            self.next_page = page.next;
        }
        self.rows_seen += 1;
        Ok(self.page.pop_front())
    }
}
