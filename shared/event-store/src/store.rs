use std::sync::Arc;

use onecommit_engine::{EventLog, Item, Tables, Transaction, Value, Write};
use onecommit_environment::{Environment, RetryBudget, Timestamp, retry_within};
use onecommit_event::{Aggregate, Event, Metadata, NewEvent};
use tracing::warn;

use crate::appending::{Landing, land};
use crate::decider::{Decider, DomainEvent, Loaded};
use crate::error::{AppendError, ExecuteError, StoreError};
use crate::reading::{Reading, Source};
use crate::replay::{Position, Replay};
use crate::settings::Settings;
use crate::snapshot::{self, Snapshots};
use crate::upcast::Upcasters;

/// Streams of events in the events table.
pub struct EventStore {
    tables: Arc<dyn Tables>,
    log: EventLog,
    environment: Environment,
    /// Of all appends: what a busy table can bear is not a matter of streams.
    repetitions: RetryBudget,
    upcasters: Upcasters,
    settings: Settings,
}

impl EventStore {
    /// The store in `log`'s table.
    #[must_use]
    pub fn new(tables: Arc<dyn Tables>, log: EventLog, environment: Environment) -> Self {
        Self {
            tables,
            log,
            repetitions: RetryBudget::new(environment.clone()),
            environment,
            upcasters: Upcasters::default(),
            settings: Settings::default(),
        }
    }

    /// Tries as often as these say.
    #[must_use]
    pub fn with_settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Brings what it reads to the newest schema with these.
    #[must_use]
    pub fn with_upcasters(mut self, upcasters: Upcasters) -> Self {
        self.upcasters = upcasters;
        self
    }

    /// Appends events after `expected_version`, all or none, and returns them with their ids and sequence.
    ///
    /// At most 100 events, 4 MB, 400 KB each: a transaction's limits. A single event is one conditional put, which
    /// costs half the write units of a transaction.
    ///
    /// While the table is busy or an answer is lost, the same append is sent again, as often as [`Settings`] say and
    /// as long as repetitions stay a tenth of the appends and one in each second, and
    /// recognised if it had succeeded before. After a transient [`AppendError::Store`] the outcome is unknown: appending
    /// the events again is an append of other events, with other ids.
    ///
    /// `expected_version` has to come from a read. That the events before are there is not checked again - it would
    /// double the write units of a single event - so a made-up version leaves a gap, which every later read names.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub async fn append(
        &self,
        stream: &Aggregate,
        expected_version: u64,
        events: Vec<NewEvent>,
        metadata: &Metadata,
    ) -> Result<Vec<Event>, AppendError> {
        match self.try_append(stream, expected_version, events, metadata).await? {
            Some(events) => Ok(events),
            None => Err(self.conflict(stream, expected_version).await),
        }
    }

    /// The events that landed; `None` when somebody else was quicker.
    async fn try_append(
        &self,
        stream: &Aggregate,
        expected_version: u64,
        events: Vec<NewEvent>,
        metadata: &Metadata,
    ) -> Result<Option<Vec<Event>>, AppendError> {
        let events = (expected_version + 1..)
            .zip(events)
            .map(|(version, new)| {
                let metadata = Metadata {
                    sequence: Some(version),
                    ..metadata.clone()
                };
                Event::from_new(new, stream.clone(), metadata, &self.environment)
            })
            .collect::<Result<Vec<Event>, _>>()
            .map_err(AppendError::Invalid)?;
        let Some(first) = events.first().map(Event::id) else {
            return Ok(Some(events));
        };
        let puts: Vec<Write> = events.iter().map(|event| self.log.put(event).into()).collect();
        let puts = Transaction::checked(self.environment.ids().next(), puts).map_err(AppendError::TooLarge)?;
        let send = || land(&*self.tables, &puts, first);
        match retry_within(&self.environment, self.settings.append, &self.repetitions, send).await {
            Ok(Landing::Landed) => Ok(Some(events)),
            Ok(Landing::Overtaken) => Ok(None),
            Err(error) => Err(AppendError::Store(error.into())),
        }
    }

    async fn conflict(&self, stream: &Aggregate, expected: u64) -> AppendError {
        match self.version(stream).await {
            Ok(found) => AppendError::VersionConflict { expected, found },
            Err(error) => AppendError::Store(error),
        }
    }

    /// The events of a stream from a version on; 1 is the first.
    #[must_use]
    pub fn read(&self, stream: &Aggregate, from: u64) -> Reading<'_> {
        self.source().read(stream, from)
    }

    /// All events of all streams, each stream in its order.
    #[must_use]
    pub fn replay(&self) -> Replay<'_> {
        Replay::new(self.source(), None)
    }

    /// The rest of a replay that got to [`Replay::position`].
    #[must_use]
    pub fn replay_from(&self, position: Option<Position>) -> Replay<'_> {
        Replay::new(self.source(), position)
    }

    /// The event in a row of the events table, brought to the schema that the code knows.
    ///
    /// # Errors
    /// When the row holds no valid event, or an upcaster fails.
    pub fn event_in(&self, row: &Item) -> Result<Event, StoreError> {
        self.source().event_in(row)
    }

    /// How many events a stream has.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn version(&self, stream: &Aggregate) -> Result<u64, StoreError> {
        let newest = self
            .log
            .table()
            .query("stream", stream.to_string())
            .backward()
            .rows_max(1);
        let page = self.tables.query(&newest).await?;
        Ok(page
            .rows
            .first()
            .and_then(|row| row.get("version"))
            .and_then(Value::as_u64)
            .unwrap_or(0))
    }

    /// The aggregate as it is, from all its events.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn load<D: Decider>(&self, stream: &Aggregate) -> Result<Loaded<D::State>, StoreError> {
        self.fold::<D>(
            Loaded {
                state: D::State::default(),
                version: 0,
            },
            self.read(stream, 1),
            |_| true,
        )
        .await
    }

    /// The aggregate as it was after its first `version` events.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn load_at_version<D: Decider>(
        &self,
        stream: &Aggregate,
        version: u64,
    ) -> Result<Loaded<D::State>, StoreError> {
        let none = Loaded {
            state: D::State::default(),
            version: 0,
        };
        let reading = Reading::new(self.source(), stream, 1, version);
        self.fold::<D>(none, reading, |_| true).await
    }

    /// The aggregate as it was at a moment, by the events' own timestamps: up to the first event after it. A clock that
    /// ran backwards cannot bring a later event before an earlier one.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn load_at_time<D: Decider>(
        &self,
        stream: &Aggregate,
        moment: Timestamp,
    ) -> Result<Loaded<D::State>, StoreError> {
        let none = Loaded {
            state: D::State::default(),
            version: 0,
        };
        self.fold::<D>(none, self.read(stream, 1), |event| event.timestamp() <= moment)
            .await
    }

    /// The aggregate as it is, from its snapshot and the events since; a new snapshot is kept when it is due.
    ///
    /// # Errors
    /// See [`StoreError`]. A snapshot that cannot be read or kept is none.
    pub async fn load_from_snapshot<D: Decider>(&self, stream: &Aggregate) -> Result<Loaded<D::State>, StoreError>
    where
        D::State: Snapshots,
    {
        let row = self.tables.get(self.log.table(), &snapshot::key(stream)).await?;
        let (state, version) = row.as_ref().and_then(snapshot::read).unwrap_or_default();
        let taken_at = version;
        let loaded = self
            .fold::<D>(Loaded { state, version }, self.read(stream, taken_at + 1), |_| true)
            .await?;
        if loaded.version - taken_at >= <D::State as Snapshots>::POLICY.every_events {
            self.keep_snapshot(stream, &loaded).await;
        }
        Ok(loaded)
    }

    /// Loads the aggregate, lets it decide, and appends what happened.
    ///
    /// After a conflict it waits a little, reads only the new events, and decides again, as often as [`Settings`] say.
    ///
    /// # Errors
    /// See [`ExecuteError`].
    pub async fn execute<D: Decider>(
        &self,
        stream: &Aggregate,
        command: &D::Command,
        metadata: &Metadata,
    ) -> Result<Vec<Event>, ExecuteError<D::Rejection>> {
        let mut loaded = self.load::<D>(stream).await.map_err(ExecuteError::Load)?;
        let mut decisions = 0;
        loop {
            let events = D::decide(&loaded.state, command).map_err(ExecuteError::Rejected)?;
            let new = events.iter().map(DomainEvent::to_new).collect::<Result<Vec<_>, _>>();
            let new = new.map_err(|error| ExecuteError::Append(AppendError::Invalid(error)))?;
            let appended = self.try_append(stream, loaded.version, new, metadata).await;
            if let Some(events) = appended.map_err(ExecuteError::Append)? {
                return Ok(events);
            }
            decisions += 1;
            if decisions >= self.settings.decisions_max {
                return Err(ExecuteError::Append(self.conflict(stream, loaded.version).await));
            }
            let wait = self
                .settings
                .decision_backoff
                .after(decisions, self.environment.random());
            self.environment.clock().sleep(wait).await;
            let since = self.read(stream, loaded.version + 1);
            loaded = self
                .fold::<D>(loaded, since, |_| true)
                .await
                .map_err(ExecuteError::Load)?;
        }
    }

    fn source(&self) -> Source<'_> {
        Source {
            rows: &*self.tables,
            log: &self.log,
            upcasters: &self.upcasters,
        }
    }

    async fn fold<D: Decider>(
        &self,
        start: Loaded<D::State>,
        mut reading: Reading<'_>,
        belongs: impl Fn(&Event) -> bool,
    ) -> Result<Loaded<D::State>, StoreError> {
        let Loaded { mut state, mut version } = start;
        while let Some(event) = reading.next().await? {
            if !belongs(&event) {
                break;
            }
            version += 1;
            let unknown = || StoreError::UnknownEventType {
                stream: event.aggregate().to_string(),
                version,
                event_type: event.event_type().to_owned(),
            };
            let known = D::Event::from_stored(&event).map_err(|error| StoreError::Corrupt {
                stream: event.aggregate().to_string(),
                version,
                error,
            })?;
            state = D::evolve(state, &known.ok_or_else(unknown)?);
        }
        Ok(Loaded { state, version })
    }

    async fn keep_snapshot<S: Snapshots>(&self, stream: &Aggregate, loaded: &Loaded<S>) {
        let kept = match snapshot::write(&self.log, stream, &loaded.state, loaded.version) {
            Ok(update) => self
                .tables
                .write(&update.into())
                .await
                .map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = kept {
            warn!(stream = %stream, error, "snapshot could not be stored; the next load tries again");
        }
    }
}
