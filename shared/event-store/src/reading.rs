use std::collections::VecDeque;

use onecommit_commit::{EventLog, Item, Query, Rows, Value};
use onecommit_event::{Aggregate, Event};

use crate::error::StoreError;
use crate::upcast::Upcasters;

/// The events of a stream, one after the other, fetched page by page: a stream of any length takes the memory of one.
pub struct Reading<'a> {
    rows: &'a dyn Rows,
    upcasters: &'a Upcasters,
    stream: String,
    next_version: u64,
    page: VecDeque<Item>,
    next_page: Option<Query>,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(
        rows: &'a dyn Rows,
        upcasters: &'a Upcasters,
        log: &EventLog,
        stream: &Aggregate,
        from: u64,
        to: u64,
    ) -> Self {
        let stream = stream.to_string();
        let from = from.max(1);
        let query = log.table().query("stream", &stream).between("version", from, to);
        let next_page = (from <= to).then_some(query);
        Self {
            rows,
            upcasters,
            stream,
            next_version: from,
            page: VecDeque::new(),
            next_page,
        }
    }

    /// The next event, brought to the schema that the code knows; `None` at the end of the stream.
    ///
    /// # Errors
    /// See [`StoreError`]. The reading may be called again after a transient one.
    pub async fn next(&mut self) -> Result<Option<Event>, StoreError> {
        while self.page.is_empty() {
            let Some(query) = &self.next_page else { return Ok(None) };
            let page = self.rows.query(query).await?;
            self.page = page.rows.into();
            self.next_page = page.next;
        }
        let Some(row) = self.page.pop_front() else {
            return Ok(None);
        };
        let version = row.get("version").and_then(Value::as_u64).unwrap_or(0);
        if version != self.next_version {
            return Err(StoreError::Gap {
                stream: self.stream.clone(),
                missing: self.next_version,
            });
        }
        self.next_version += 1;
        let event = EventLog::event_in(&row).map_err(|error| StoreError::Corrupt {
            stream: self.stream.clone(),
            version,
            error,
        })?;
        self.upcasters.bring_up(event).map(Some).map_err(StoreError::Upcast)
    }

    /// All that is left, for streams known to be short.
    ///
    /// # Errors
    /// See [`Reading::next`].
    pub async fn all(mut self) -> Result<Vec<Event>, StoreError> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await? {
            events.push(event);
        }
        Ok(events)
    }
}
