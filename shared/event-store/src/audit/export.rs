use std::borrow::Cow;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use onecommit_engine::{EventLog, Item, TableReader, Value};
use onecommit_environment::{Environment, Timestamp};
use onecommit_event::{Aggregate, Event};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::audit::chain;
use crate::audit::error::ExportError;
use crate::audit::hash::Hash;
use crate::audit::line::{Closing, EventLine, FORMAT, Header, Scope};
use crate::audit::pages::{Pages, Request};

/// The largest version there is.
const LAST: u64 = i64::MAX as u64;

/// Exports of the events table.
pub struct Audit {
    rows: Arc<dyn TableReader>,
    log: EventLog,
    environment: Environment,
}

/// What was exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported {
    /// How many events.
    pub events: u64,
    /// The hash of the last: keep it where those who can write the file cannot.
    pub head: Hash,
}

/// How far an export is, told after each page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Rows of the table that were read.
    pub rows_seen: u64,
    /// Events that were written.
    pub events: u64,
}

impl Audit {
    /// Exports of `log`'s table.
    #[must_use]
    pub fn new(rows: Arc<dyn TableReader>, log: EventLog, environment: Environment) -> Self {
        Self { rows, log, environment }
    }

    /// Writes all events of a stream, in their order. A version that is missing between others is an error.
    ///
    /// # Errors
    /// See [`ExportError`].
    pub async fn export_stream(
        &self,
        stream: &Aggregate,
        output: &mut dyn Write,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Exported, ExportError> {
        let stream = stream.to_string();
        let query = self.log.table().query("stream", &stream).between("version", 1, LAST);
        let scope = Scope::Stream { stream: stream.clone() };
        let mut next_version = 1;
        let exported = self.export(scope, Request::Stream(query), output, progress, |row| {
            if row.version != next_version {
                return Err(ExportError::Gap {
                    stream: row.stream.clone(),
                    missing: next_version,
                });
            }
            next_version += 1;
            Ok(true)
        });
        match exported.await? {
            Exported { events: 0, .. } => Err(ExportError::NoSuchStream { stream }),
            exported => Ok(exported),
        }
    }

    /// Writes the events of all streams whose timestamp is `from` or later and before `to`.
    ///
    /// It scans the whole table: DynamoDB takes read units for every row. What is appended meanwhile may be in the export
    /// or not; end the range in the past. A version that is missing is not noticed: export the stream for that.
    ///
    /// # Errors
    /// See [`ExportError`].
    pub async fn export_range(
        &self,
        from: Timestamp,
        to: Timestamp,
        output: &mut dyn Write,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Exported, ExportError> {
        let scope = Scope::Range {
            from_time: from.to_string(),
            to_time: to.to_string(),
        };
        let scan = Request::Table(self.log.table().scan());
        // By the event's own text, not by a condition on the row's copy of it: who changed that could hide the event.
        self.export(scope, scan, output, progress, |row| {
            let timestamp = row.event()?.timestamp();
            Ok(from <= timestamp && timestamp < to)
        })
        .await
    }

    /// To the millisecond, as everything else here is timed.
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.environment.clock().now().unix_ms())
    }

    async fn export(
        &self,
        scope: Scope,
        first: Request,
        output: &mut dyn Write,
        progress: &mut dyn FnMut(Progress),
        mut belongs: impl FnMut(&Row) -> Result<bool, ExportError>,
    ) -> Result<Exported, ExportError> {
        let mut writer = Lines::begin(BufWriter::new(output), scope, self.now())?;
        let mut pages = Pages::new(&*self.rows, first);
        let mut rows_seen = 0;
        while let Some(page) = pages.next().await? {
            rows_seen += page.len() as u64;
            for item in page {
                let row = Row::of(item);
                if row.version > 0 && belongs(&row)? {
                    writer.event(&row)?;
                }
            }
            progress(Progress {
                rows_seen,
                events: writer.events,
            });
        }
        Ok(writer.close()?)
    }
}

/// A row of the table; version 0 is a snapshot.
struct Row {
    stream: String,
    version: u64,
    text: String,
}

impl Row {
    fn of(mut item: Item) -> Self {
        let version = item.get("version").and_then(Value::as_u64).unwrap_or(0);
        let mut text = |name| match item.remove(name) {
            Some(Value::String(text)) => text,
            _ => String::new(),
        };
        Self {
            stream: text("stream"),
            version,
            text: text("event"),
        }
    }

    fn event(&self) -> Result<Event, ExportError> {
        Event::from_json(&self.text).map_err(|error| ExportError::Corrupt {
            stream: self.stream.clone(),
            version: self.version,
            error,
        })
    }

    /// The event's text as it is stored, once it is certain that it is an event of this place on one line.
    fn checked(&self) -> Result<&RawValue, ExportError> {
        let event = self.event()?;
        if event.aggregate().to_string() != self.stream {
            return Err(self.foreign("it is an event of another stream"));
        }
        if event.metadata().sequence != Some(self.version) {
            return Err(self.foreign("it is an event with another sequence"));
        }
        let raw = serde_json::from_str::<&RawValue>(&self.text).map(RawValue::get);
        if raw.ok() != Some(&self.text) || self.text.contains(['\n', '\r']) {
            return Err(self.foreign("its JSON has line breaks or white space around it"));
        }
        serde_json::from_str(&self.text).map_err(|_| self.foreign("it is not JSON"))
    }

    fn foreign(&self, problem: &'static str) -> ExportError {
        ExportError::Foreign {
            stream: self.stream.clone(),
            version: self.version,
            problem,
        }
    }
}

/// The lines of the file, each bound to the one before.
struct Lines<W> {
    output: W,
    events: u64,
    head: Hash,
}

impl<W: Write> Lines<W> {
    fn begin(mut output: W, scope: Scope, now: Timestamp) -> io::Result<Self> {
        let header = serde_json::to_string(&Header {
            format: Cow::Borrowed(FORMAT),
            scope,
            exported_at: now.to_string(),
        })?;
        writeln!(output, "{header}")?;
        Ok(Self {
            output,
            events: 0,
            head: chain::start(&header),
        })
    }

    fn event(&mut self, row: &Row) -> Result<(), ExportError> {
        let event = row.checked()?;
        let line = self.events + 1;
        let hash = chain::follow(self.head, line, &row.stream, row.version, event.get());
        self.write(&EventLine {
            line,
            stream: Cow::Borrowed(&row.stream),
            version: row.version,
            event,
            previous: self.head,
            hash,
        })?;
        (self.events, self.head) = (line, hash);
        Ok(())
    }

    fn close(mut self) -> io::Result<Exported> {
        let (events, head) = (self.events, self.head);
        self.write(&Closing { events, head })?;
        self.output.flush()?;
        Ok(Exported { events, head })
    }

    fn write(&mut self, line: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.output, line)?;
        self.output.write_all(b"\n")
    }
}
