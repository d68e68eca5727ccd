//! Reading a stream from one version to another.
//!
//! Most streams are short, so the first page is asked for alone. When more comes after it, the next pages are asked for
//! side by side, before the first is folded. Versions have no gaps, so it is known where each of them starts:
//!
//! ```text
//! 1.. ──────────> 1-250, and more
//!      251-500  ─────────────────> 251-500
//!      501-750  ────────────> 501-700
//!      751-1000 ─────────> none
//!      1001..   ────────> none: that was the end
//! ```
//!
//! Only a page without an upper bound proves that nothing comes after it, so that a version missing between two pages is
//! never taken for the end.
//!
//! The pages are answered at different moments, and the stream may grow between them:
//!
//! ```text
//! 251-500 when there are 300 events: 251-300
//! 501-750 when there are 600 events: 501-600, and 301-500 are there by now
//! ```
//!
//! So a version that is missing before others is asked for once more. An append is conditional on the version before it:
//! what was appended is there before its successor, and what is still missing then was deleted.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::vec;

use futures_util::future::{MaybeDone, maybe_done};
use onecommit_engine::{DatabaseError, EventLog, Item, Page, Query, TableReader, Value};
use onecommit_event::{Aggregate, Event};

use crate::error::StoreError;
use crate::upcast::Upcasters;

/// The most events of a page without an upper bound.
const PAGE_EVENTS: u32 = 250;
/// Pages with an upper bound that are asked for beside the one without. Each takes a connection.
const BOUNDED_PAGES: u64 = 3;

/// What reading needs of a store.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) rows: &'a dyn TableReader,
    pub(crate) log: &'a EventLog,
    pub(crate) upcasters: &'a Upcasters,
}

/// The largest version there is.
const LAST: u64 = i64::MAX as u64;

impl<'a> Source<'a> {
    /// The events of a stream from a version on.
    pub(crate) fn read(self, stream: &Aggregate, from: u64) -> Reading<'a> {
        Reading::new(self, stream, from, LAST)
    }

    /// The event in a row, brought to the schema that the code knows.
    pub(crate) fn event_in(self, row: &Item) -> Result<Event, StoreError> {
        let event = EventLog::event_in(row).map_err(|error| StoreError::Corrupt {
            stream: row.get("stream").and_then(Value::as_str).unwrap_or_default().to_owned(),
            version: row.get("version").and_then(Value::as_u64).unwrap_or(0),
            error,
        })?;
        self.upcasters.bring_up(event).map_err(StoreError::Upcast)
    }
}

/// The events of a stream, one after the other, fetched page by page: a stream of any length takes the memory of a few
/// pages, 1 MB each at most.
pub struct Reading<'a> {
    source: Source<'a>,
    stream: String,
    next_version: u64,
    to: u64,
    page: vec::IntoIter<Item>,
    /// What was asked for, in the order of the versions.
    ahead: VecDeque<Pin<Box<MaybeDone<Fetch<'a>>>>>,
    /// The missing version that was asked for once more.
    asked_again: Option<u64>,
}

type Fetch<'a> = Pin<Box<dyn Future<Output = Fetched> + Send + 'a>>;

struct Fetched {
    asked: Asked,
    answer: Result<Page, DatabaseError>,
}

/// A query, and the version it ends with.
struct Asked {
    query: Query,
    to: u64,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(source: Source<'a>, stream: &Aggregate, from: u64, to: u64) -> Self {
        let from = from.max(1);
        let mut reading = Self {
            source,
            stream: stream.to_string(),
            next_version: from,
            to,
            page: Vec::new().into_iter(),
            ahead: VecDeque::new(),
            asked_again: None,
        };
        if from <= to {
            reading.ask_for(from, to);
        }
        reading
    }

    /// The next event, brought to the schema that the code knows; `None` at the end of the stream.
    ///
    /// # Errors
    /// See [`StoreError`]. The reading may be called again after a transient one.
    pub async fn next(&mut self) -> Result<Option<Event>, StoreError> {
        loop {
            if let Some(row) = self.page.next() {
                match version_of(&row) {
                    Some(later) if later > self.next_version && self.asked_again != Some(self.next_version) => {
                        self.ask_again_before(row, later);
                    }
                    _ => return self.event_in(&row).map(Some),
                }
            }
            let Some(fetched) = self.first_of_ahead().await else {
                return Ok(None);
            };
            match fetched.answer {
                Ok(page) => self.turn_to(page, fetched.asked.to).await,
                Err(error) => {
                    self.ahead.push_front(self.fetch(fetched.asked));
                    return Err(error.into());
                }
            }
        }
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

    /// Puts off the page at hand, of which `row` is the next, and asks for the versions that are missing before it.
    fn ask_again_before(&mut self, row: Item, version: u64) {
        self.asked_again = Some(self.next_version);
        let rows = std::iter::once(row).chain(std::mem::take(&mut self.page));
        let rest = Fetched {
            asked: self.asked(version, version),
            answer: Ok(Page {
                rows: rows.collect(),
                next: None,
            }),
        };
        self.ahead.push_front(Box::pin(MaybeDone::Done(rest)));
        let missing = self.asked(self.next_version, version - 1);
        self.ahead.push_front(self.fetch(missing));
    }

    fn event_in(&mut self, row: &Item) -> Result<Event, StoreError> {
        let version = version_of(row).unwrap_or(0);
        if version != self.next_version {
            return Err(StoreError::Gap {
                stream: self.stream.clone(),
                missing: self.next_version,
            });
        }
        self.next_version += 1;
        let event = EventLog::event_in(row).and_then(|event| event.found_in(&self.stream));
        let event = event.map_err(|error| StoreError::Corrupt {
            stream: self.stream.clone(),
            version,
            error,
        })?;
        self.source.upcasters.bring_up(event).map_err(StoreError::Upcast)
    }

    /// Makes this the page at hand, and asks for what comes after it.
    async fn turn_to(&mut self, page: Page, to: u64) {
        let last = page.rows.last().and_then(version_of);
        let events = page.rows.len() as u64;
        self.page = page.rows.into_iter();
        match (page.next, last) {
            (Some(_), Some(last)) if to == self.to => self.ask_side_by_side(last.saturating_add(1), events),
            // It was cut, because its events are large: the rest comes before all that was asked for.
            (Some(query), last) if last.is_none_or(|last| last < to) => {
                self.ahead.push_front(self.fetch(Asked { query, to }));
            }
            _ => {}
        }
        self.set_off().await;
    }

    /// Asks for pages of so many events, as many as fitted on the page before.
    fn ask_side_by_side(&mut self, from: u64, events: u64) {
        let mut from = from;
        for _ in 0..BOUNDED_PAGES {
            let last = from.saturating_add(events - 1);
            if last >= self.to {
                break;
            }
            self.ask_for(from, last);
            from = last + 1;
        }
        self.ask_for(from, self.to);
    }

    fn ask_for(&mut self, from: u64, to: u64) {
        let asked = self.asked(from, to);
        self.ahead.push_back(self.fetch(asked));
    }

    fn asked(&self, from: u64, to: u64) -> Asked {
        let query = self
            .source
            .log
            .table()
            .query("stream", &self.stream)
            .between("version", from, to)
            .select(["version", "event"]);
        let query = if to == self.to {
            query.rows_max(PAGE_EVENTS)
        } else {
            query
        };
        Asked { query, to }
    }

    fn fetch(&self, asked: Asked) -> Pin<Box<MaybeDone<Fetch<'a>>>> {
        let rows = self.source.rows;
        let fetch: Fetch<'a> = Box::pin(async move {
            let answer = rows.query(&asked.query).await;
            Fetched { asked, answer }
        });
        Box::pin(maybe_done(fetch))
    }

    /// Sends what was asked for, so that the table works on it while the page at hand is folded.
    async fn set_off(&mut self) {
        let mut has_yielded = self.ahead.is_empty();
        poll_fn(|context| {
            for page in &mut self.ahead {
                let _ = page.as_mut().poll(context);
            }
            if has_yielded {
                return Poll::Ready(());
            }
            // Connections are tasks of their own: they need a turn to send.
            has_yielded = true;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    /// The answer that comes first in the stream, while the others are under way.
    async fn first_of_ahead(&mut self) -> Option<Fetched> {
        let fetched = poll_fn(|context| {
            for page in &mut self.ahead {
                let _ = page.as_mut().poll(context);
            }
            match self.ahead.front_mut() {
                None => Poll::Ready(None),
                Some(first) => first
                    .as_mut()
                    .take_output()
                    .map_or(Poll::Pending, |done| Poll::Ready(Some(done))),
            }
        })
        .await;
        self.ahead.pop_front();
        fetched
    }
}

fn version_of(row: &Item) -> Option<u64> {
    row.get("version").and_then(Value::as_u64)
}
