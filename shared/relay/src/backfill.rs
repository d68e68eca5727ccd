use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;
use std::time::{Duration, Instant};

use onecommit_environment::{Environment, Timestamp};
use onecommit_event::{Aggregate, Event};
use onecommit_event_store::{EventStore, Reading, Replay, StoreError};
use onecommit_publish::Publisher;

use crate::rounds::next_round;

/// Publishes a part of the store once more: for a new consumer, or one that lost its state.
///
/// Events keep their ids. A consumer that handled one absorbs it, as long as its ledger remembers: 30 days by default.
/// Older events have their effect again in consumers that handled them long ago.
#[derive(Clone, Debug, Default)]
pub struct Backfill {
    /// Only this stream; otherwise the whole store is scanned.
    pub stream: Option<Aggregate>,
    /// Only these event types; none means all.
    pub event_types: BTreeSet<String>,
    /// Only events from this moment on.
    pub from: Option<Timestamp>,
    /// Only events before this moment.
    pub to: Option<Timestamp>,
    /// The most events per second; none means as fast as it goes.
    pub per_second: Option<u32>,
    /// Counts what would be published, and publishes nothing.
    pub dry_run: bool,
}

/// How far a backfill is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BackfillProgress {
    /// Events looked at.
    pub seen: u64,
    /// Events that belong to the range.
    pub matching: u64,
    /// Those of them that every destination took; 0 in a dry run.
    pub published: u64,
    /// The event that was published last, as `stream#version`.
    pub last: Option<String>,
}

/// Why a backfill ended early. What it published was published; running it again repeats that, which consumers absorb.
#[derive(Debug)]
pub enum BackfillError {
    /// The store could not be read.
    Store(StoreError),
    /// A destination did not take an event.
    NotPublished {
        /// The event, as `stream#version`.
        event: String,
        /// The destinations' words.
        error: String,
    },
}

impl fmt::Display for BackfillError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(_) => formatter.write_str("the store could not be read; run the backfill again"),
            Self::NotPublished { event, error } => {
                write!(
                    formatter,
                    "{event} was not published: {error}; run the backfill again when that is resolved"
                )
            }
        }
    }
}

impl Error for BackfillError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Store(error) => Some(error),
            Self::NotPublished { .. } => None,
        }
    }
}

impl From<StoreError> for BackfillError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Events gathered before they are published, so that requests are filled with events of many aggregates.
const GATHERED_MAX: usize = 500;
/// The bytes of their payloads: an event may have 400 KB.
const GATHERED_BYTES_MAX: usize = 8 * 1024 * 1024;

impl Backfill {
    /// Runs it, and tells `progress` after every round.
    ///
    /// # Errors
    /// See [`BackfillError`].
    pub async fn run(
        &self,
        store: &EventStore,
        publisher: &Publisher,
        environment: &Environment,
        mut progress: impl FnMut(&BackfillProgress),
    ) -> Result<BackfillProgress, BackfillError> {
        let mut so_far = BackfillProgress::default();
        let started = environment.clock().instant();
        let mut source = match &self.stream {
            Some(stream) => Source::Stream(Box::new(store.read(stream, 1))),
            None => Source::Everything(Box::new(store.replay())),
        };
        let (mut gathered, mut bytes) = (Vec::new(), 0);
        loop {
            let event = source.next().await?;
            let is_last = event.is_none();
            if let Some(event) = event {
                so_far.seen += 1;
                if self.wants(&event) {
                    so_far.matching += 1;
                    bytes += event.payload().get().len();
                    gathered.push(event);
                }
            }
            if !is_last && gathered.len() < GATHERED_MAX && bytes < GATHERED_BYTES_MAX {
                continue;
            }
            bytes = 0;
            if self.dry_run {
                gathered.clear();
            }
            while !gathered.is_empty() {
                let round = next_round(&mut gathered);
                self.publish(round, publisher, environment, started, &mut so_far)
                    .await?;
                progress(&so_far);
            }
            progress(&so_far);
            if is_last {
                return Ok(so_far);
            }
        }
    }

    async fn publish(
        &self,
        round: Vec<Event>,
        publisher: &Publisher,
        environment: &Environment,
        started: Instant,
        so_far: &mut BackfillProgress,
    ) -> Result<(), BackfillError> {
        // A round may be larger than a second's share.
        let share = self.per_second.map_or(round.len(), |most| (most as usize).max(1));
        for some in round.chunks(share.max(1)) {
            self.wait_for_turn(environment, started, so_far.published).await;
            let reports = publisher.publish(some.to_vec()).await;
            for (event, report) in some.iter().zip(&reports) {
                let name = name_of(event);
                if !report.everywhere() {
                    let error = report.errors();
                    return Err(BackfillError::NotPublished { event: name, error });
                }
                so_far.published += 1;
                so_far.last = Some(name);
            }
        }
        Ok(())
    }

    /// Waits until `published` events are no more than the rate allows since the start.
    async fn wait_for_turn(&self, environment: &Environment, started: Instant, published: u64) {
        let Some(per_second) = self.per_second else { return };
        let turn = Duration::from_secs_f64(published as f64 / f64::from(per_second.max(1)));
        let passed = environment.clock().instant().saturating_duration_since(started);
        if turn > passed {
            environment.clock().sleep(turn - passed).await;
        }
    }

    fn wants(&self, event: &Event) -> bool {
        let at = event.timestamp();
        (self.event_types.is_empty() || self.event_types.contains(event.event_type()))
            && self.from.is_none_or(|from| at >= from)
            && self.to.is_none_or(|to| at < to)
    }
}

#[allow(clippy::large_enum_variant, reason = "there is one of them at a time")]
enum Source<'a> {
    Stream(Box<Reading<'a>>),
    Everything(Box<Replay<'a>>),
}

impl Source<'_> {
    async fn next(&mut self) -> Result<Option<Event>, StoreError> {
        match self {
            Self::Stream(reading) => reading.next().await,
            Self::Everything(replay) => replay.next().await,
        }
    }
}

fn name_of(event: &Event) -> String {
    format!("{}#{}", event.aggregate(), event.metadata().sequence.unwrap_or(0))
}
