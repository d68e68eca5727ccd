use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use onecommit_engine::{DatabaseError, Deadline, Item, Query, Table, TableReader};
use onecommit_environment::{Environment, Timestamp};
use onecommit_event::{Aggregate, Event, EventId, Metadata};
use tracing::{error, warn};

use crate::attributes::Reader;
use crate::error::SagaError;
use crate::machine::Status;
use crate::requests::SagaDeadlineReached;
use crate::row::{DUE, due_keys};

/// Finds sagas that are past their deadline, through the index on (`due`, `deadline`), and puts them back to work.
///
/// The index needs the attributes `version` and `correlationId` besides its keys. Only sagas that have not ended have a
/// `deadline`, so it holds no others. Nothing is scanned. The index is spread over eight partitions for each status.
///
/// Several sweepers at once do no harm: what they say of one version of a saga is one event, under one id. One sweeper
/// that is kept says it again after 1, 2, 4 ... minutes, at most once an hour, as long as the saga does not move on.
pub struct Sweeper {
    table: Table,
    index: String,
    rows: Arc<dyn TableReader>,
    environment: Environment,
    woken: Mutex<HashMap<EventId, Woken>>,
}

/// Where the sweeper says what is due: the orchestrator's queue.
#[async_trait]
pub trait DeadlineSender: Send + Sync {
    /// Sends the events, and answers for each, in their order.
    ///
    /// A crash after some were sent does no harm, nor does an event that was sent and counted as failed: the next sweep
    /// says the same again.
    async fn wake(&self, due: &[Event<SagaDeadlineReached>]) -> Vec<Result<(), DeadlineSenderError>>;
}

/// Why an event could not be sent: whatever the carrier says.
pub type DeadlineSenderError = Box<dyn std::error::Error + Send + Sync>;

/// What a sweep came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Swept {
    /// Sagas that were put back to work.
    pub woken: usize,
    /// Sagas that could not be; the next sweep finds them again.
    pub failed: usize,
    /// Rows that are not valid; the log names them. They wait for a person, the others do not wait for them.
    pub unreadable: usize,
    /// Whether everything was looked through that is due: the table answered, the queue took something, and there was
    /// time enough.
    pub is_complete: bool,
}

/// A saga as the index knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueSaga {
    /// The definition's name and the saga's id.
    pub saga: Aggregate,
    /// The version of its row.
    pub version: u64,
    /// When something is or was due.
    pub deadline: Timestamp,
    /// What it has in common with everything that follows from the same cause.
    pub correlation_id: String,
}

/// How often a version of a saga was put back to work, and when it is time again.
#[derive(Clone, Copy)]
struct Woken {
    times: u32,
    again_at_ms: i64,
    /// In which sweep it was seen last.
    seen_at_ms: i64,
}

/// How many sagas are read, and woken, at a time.
const PAGE_ROWS: u32 = 100;
/// Earlier than every deadline.
const FIRST: &str = "0000";
/// The pause before the same is said again, at first and at most.
const PAUSE_FIRST: Duration = Duration::from_secs(60);
const PAUSE_MAX: Duration = Duration::from_secs(3600);
/// How many are remembered, in some 10 MB. What is not remembered is said with each sweep.
const REMEMBERED_MAX: usize = 100_000;
/// With less time left no page is begun.
const TIME_FOR_A_PAGE: Duration = Duration::from_secs(5);

impl Sweeper {
    /// The sweeper of the sagas in `table`, by its index of this name.
    #[must_use]
    pub fn new(table: Table, index: impl Into<String>, rows: Arc<dyn TableReader>, environment: Environment) -> Self {
        Self {
            table,
            index: index.into(),
            rows,
            environment,
            woken: Mutex::default(),
        }
    }

    /// Wakes every saga whose deadline has passed.
    ///
    /// # Errors
    /// See [`Sweeper::sweep_until`].
    pub async fn sweep(&self, orchestrator: &dyn DeadlineSender) -> Result<Swept, SagaError> {
        self.sweep_until(orchestrator, Deadline::none()).await
    }

    /// Wakes every saga whose deadline has passed, as far as there is time; the next sweep goes on.
    ///
    /// What cannot be read or sent stops nothing else, except a queue that takes nothing at all.
    ///
    /// # Errors
    /// When the table answered nothing.
    pub async fn sweep_until(&self, orchestrator: &dyn DeadlineSender, deadline: Deadline) -> Result<Swept, SagaError> {
        let now = Timestamp::from_unix_ms(self.environment.clock().now().unix_ms());
        let mut sweep = Sweep {
            sweeper: self,
            orchestrator,
            deadline,
            now,
            swept: Swept::default(),
        };
        let mut unanswered = None;
        let mut has_answered = false;
        for due in Status::OPEN.into_iter().flat_map(due_keys) {
            match sweep.partition(due).await {
                Ok(Goes::On) => has_answered = true,
                Ok(Goes::NoFurther) => return Ok(sweep.swept),
                Err(error) => {
                    warn!(error = %error, "sagas past their deadline could not be read; the next sweep tries again");
                    unanswered = Some(error);
                }
            }
        }
        match unanswered {
            Some(error) if !has_answered => return Err(error.into()),
            Some(_) => {}
            None => {
                sweep.swept.is_complete = true;
                self.forget_what_moved_on(now);
            }
        }
        Ok(sweep.swept)
    }

    /// The sagas that need a person's attention, at most `most`; first those that still try something by themselves.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn needing_attention(&self, most: usize) -> Result<Vec<DueSaga>, SagaError> {
        let mut found = Vec::new();
        for due in due_keys(Status::NeedsAttention) {
            let mut of_partition = 0;
            let mut next = Some(self.of_partition(due));
            while let Some(query) = next.filter(|_| of_partition < most) {
                let page = self.rows.query(&query).await?;
                next = page.next;
                let readable = page.rows.iter().filter_map(|row| reported(DueSaga::of(row)));
                let before = found.len();
                found.extend(readable.take(most - of_partition));
                of_partition += found.len() - before;
            }
        }
        found.sort_by(|one, other| (one.deadline, one.saga.id()).cmp(&(other.deadline, other.saga.id())));
        found.truncate(most);
        Ok(found)
    }

    fn of_partition(&self, due: String) -> Query {
        let query = self.table.query(DUE, due);
        query.on_index(self.index.as_str(), "deadline").rows_max(PAGE_ROWS)
    }

    fn event_of(&self, row: &Item) -> Result<Event<SagaDeadlineReached>, SagaError> {
        let due = DueSaga::of(row)?;
        let id = EventId::of_foreign(&due.saga.to_string(), &format!("deadline/{}", due.version));
        let payload = SagaDeadlineReached {
            version: due.version,
            deadline: due.deadline.to_string(),
        };
        let metadata = Metadata::caused_by(due.correlation_id, id.to_string());
        let event = Event::new(due.saga, payload, &self.environment);
        Ok(event.with_id(id).with_metadata(metadata))
    }

    // ------------------------------------------------------------ what was said before

    /// Whether it is time to say this, for the first time or again.
    fn is_time_for(&self, id: EventId, now: Timestamp) -> bool {
        let mut woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        woken.get_mut(&id).is_none_or(|woken| {
            woken.seen_at_ms = now.unix_ms();
            woken.again_at_ms <= now.unix_ms()
        })
    }

    fn remember(&self, id: EventId, now: Timestamp) {
        let mut woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        let times = woken.get(&id).map_or(1, |woken| woken.times.saturating_add(1));
        if times == 1 && woken.len() >= REMEMBERED_MAX {
            return;
        }
        let pause = PAUSE_FIRST.saturating_mul(1 << (times - 1).min(31)).min(PAUSE_MAX);
        let pause_ms = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
        let now_ms = now.unix_ms();
        let again_at_ms = now_ms.saturating_add(pause_ms);
        let seen_at_ms = now_ms;
        woken.insert(
            id,
            Woken {
                times,
                again_at_ms,
                seen_at_ms,
            },
        );
    }

    fn forget_what_moved_on(&self, now: Timestamp) {
        let mut woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        woken.retain(|_, woken| woken.seen_at_ms >= now.unix_ms());
    }
}

/// Whether a sweep goes on after one of the index's partitions.
enum Goes {
    On,
    NoFurther,
}

/// One look through the index.
struct Sweep<'a> {
    sweeper: &'a Sweeper,
    orchestrator: &'a dyn DeadlineSender,
    deadline: Deadline,
    now: Timestamp,
    swept: Swept,
}

impl Sweep<'_> {
    async fn partition(&mut self, due: String) -> Result<Goes, DatabaseError> {
        let until = self.now.to_string();
        let all = self.sweeper.of_partition(due);
        let mut next = Some(all.between("deadline", FIRST, until.as_str()));
        while let Some(query) = next {
            if self.deadline.remaining(self.sweeper.environment.clock()) < TIME_FOR_A_PAGE {
                return Ok(Goes::NoFurther);
            }
            let page = self.sweeper.rows.query(&query).await?;
            next = page.next;
            if !self.wake(&page.rows).await {
                return Ok(Goes::NoFurther);
            }
        }
        Ok(Goes::On)
    }

    /// False when the queue took nothing of what was sent.
    async fn wake(&mut self, rows: &[Item]) -> bool {
        let mut due = Vec::with_capacity(rows.len());
        for row in rows {
            match reported(self.sweeper.event_of(row)) {
                Some(event) if self.sweeper.is_time_for(event.id(), self.now) => due.push(event),
                Some(_) => {}
                None => self.swept.unreadable += 1,
            }
        }
        if due.is_empty() {
            return true;
        }
        let results = self.orchestrator.wake(&due).await;
        let woken: Vec<EventId> = due
            .iter()
            .zip(results)
            .filter_map(|(event, result)| result.is_ok().then_some(event.id()))
            .collect();
        for id in &woken {
            self.sweeper.remember(*id, self.now);
        }
        self.swept.woken += woken.len();
        self.swept.failed += due.len() - woken.len();
        !woken.is_empty()
    }
}

/// A row that is not valid is named in the log, and skipped.
fn reported<T>(read: Result<T, SagaError>) -> Option<T> {
    read.inspect_err(|error| error!(error = %error, "row of a saga is not valid and was skipped"))
        .ok()
}

impl DueSaga {
    fn of(row: &Item) -> Result<Self, SagaError> {
        let reader = Reader::of(row)?;
        Ok(Self {
            version: reader.number("version")?,
            deadline: reader.time("deadline")?,
            correlation_id: reader.text("correlationId")?.to_owned(),
            saga: reader.saga,
        })
    }
}

impl std::fmt::Debug for Sweeper {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { table, index, .. } = self;
        formatter
            .debug_struct("Sweeper")
            .field("table", table)
            .field("index", index)
            .finish_non_exhaustive()
    }
}
