use std::collections::VecDeque;

use onecommit_engine::{Item, Scan, Value};
use onecommit_event::{Aggregate, Event};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::reading::{Reading, Source};

/// Every event of the store, stream after stream, each in its order: for rebuilding views, republishing and audits.
///
/// It is a scan: DynamoDB charges read units for the whole table. DynamoDB promises no order of a scan, so a stream that
/// arrives in disorder is read again as a stream. An event may then be returned twice, and one that is appended meanwhile
/// may be returned or not; every event that existed before the first page is returned at least once.
pub struct Replay<'a> {
    source: Source<'a>,
    page: VecDeque<Item>,
    next_page: Option<Scan>,
    current: Option<Aggregate>,
    next_version: u64,
    /// Of a stream that came in disorder.
    reading: Option<Box<Reading<'a>>>,
    rows_seen: u64,
    page_starts_after: Option<Position>,
}

/// A place in the replay, for going on there another time: the last row before a page of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    stream: String,
    version: u64,
}

impl<'a> Replay<'a> {
    pub(crate) fn new(source: Source<'a>, after: Option<Position>) -> Self {
        let scan = source.log.table().scan();
        let first_page = match &after {
            None => scan,
            Some(position) => scan.after(position.key()),
        };
        Self {
            source,
            page: VecDeque::new(),
            next_page: Some(first_page),
            page_starts_after: after,
            current: None,
            next_version: 1,
            reading: None,
            rows_seen: 0,
        }
    }

    /// Reads at most so many rows at once, instead of the megabyte that DynamoDB gives: smaller bites of the table's read
    /// capacity, and positions closer to each other.
    #[must_use]
    pub fn rows_per_page(mut self, rows: u32) -> Self {
        self.next_page = self.next_page.map(|scan| scan.rows_max(rows.max(1)));
        self
    }

    /// How many rows of the table it has seen so far, for showing progress.
    #[must_use]
    pub fn rows_seen(&self) -> u64 {
        self.rows_seen
    }

    /// From where a replay has to continue to return every event that this one has not returned: the start of the current
    /// page of the table. `None` is the beginning. Events of that page are returned again then.
    #[must_use]
    pub fn position(&self) -> Option<&Position> {
        self.page_starts_after.as_ref()
    }

    /// The next event, upcast to the newest schema; `None` at the end.
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
            let event = self.source.event_in(&row)?;
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
                self.reading = Some(Box::new(self.source.read(event.aggregate(), self.next_version)));
            }
        }
    }

    async fn next_row(&mut self) -> Result<Option<Item>, StoreError> {
        while self.page.is_empty() {
            let Some(scan) = &self.next_page else { return Ok(None) };
            let page = self.source.rows.scan(scan).await?;
            self.page_starts_after = scan.start().and_then(Position::of);
            self.page = page.rows.into();
            self.next_page = page.next;
        }
        self.rows_seen += 1;
        Ok(self.page.pop_front())
    }
}

impl Position {
    fn of(key: &Item) -> Option<Self> {
        Some(Self {
            stream: key.get("stream")?.as_str()?.to_owned(),
            version: key.get("version")?.as_u64()?,
        })
    }

    fn key(&self) -> Item {
        [
            ("stream".to_owned(), Value::from(&self.stream)),
            ("version".to_owned(), self.version.into()),
        ]
        .into()
    }
}
