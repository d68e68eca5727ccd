use std::sync::Arc;

use async_trait::async_trait;
use onecommit_commit::{Item, Page, Query, Rows, Table};
use onecommit_environment::{Environment, Timestamp};
use onecommit_event::{Aggregate, Event, EventId, Metadata};
use onecommit_mutants::{Mutant, is_on};

use crate::error::SagaError;
use crate::machine::Status;
use crate::requests::SagaDeadlineReached;
use crate::row::Reader;

/// Finds sagas that are past their deadline, through the index on (`status`, `deadline`), and puts them back to work.
///
/// The index needs the attributes `version` and `correlationId` besides its keys. Only sagas that have not ended have a
/// `deadline`, so it holds no others. Nothing is scanned.
///
/// Several sweepers at once do no harm: what they say of one version of a saga is one event, under one id.
pub struct Sweeper {
    table: Table,
    index: String,
    rows: Arc<dyn Rows>,
    environment: Environment,
}

/// Where the sweeper says what is due: the orchestrator's queue.
#[async_trait]
pub trait Wake: Send + Sync {
    /// Sends the events, and answers for each, in their order.
    ///
    /// A crash after some were sent does no harm, nor does an event that was sent and counted as failed: the next sweep
    /// says the same again.
    async fn wake(&self, due: &[Event<SagaDeadlineReached>]) -> Vec<Result<(), WakeError>>;
}

/// Why an event could not be sent: whatever the carrier says.
pub type WakeError = Box<dyn std::error::Error + Send + Sync>;

/// What a sweep came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Sagas that were put back to work.
    pub woken: usize,
    /// Sagas that could not be; the next sweep finds them again.
    pub failed: usize,
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

/// How many sagas are read, and woken, at a time.
const PAGE_ROWS: u32 = 100;
/// Earlier than every deadline.
const FIRST: &str = "0000";

impl Sweeper {
    /// The sweeper of the sagas in `table`, by its index of this name.
    #[must_use]
    pub fn new(table: Table, index: impl Into<String>, rows: Arc<dyn Rows>, environment: Environment) -> Self {
        Self {
            table,
            index: index.into(),
            rows,
            environment,
        }
    }

    /// Wakes every saga whose deadline has passed.
    ///
    /// # Errors
    /// When the table does not answer, or a row is not valid. Those woken so far stay so.
    pub async fn sweep(&self, orchestrator: &dyn Wake) -> Result<Swept, SagaError> {
        let now = self.environment.clock().now();
        let until = Timestamp::from_unix_ms(now.unix_ms()).to_string();
        let mut swept = Swept::default();
        for status in Status::OPEN {
            let mut next = Some(self.of_status(status).between("deadline", FIRST, until.as_str()));
            while let Some(query) = next {
                let Page { rows, next: after } = self.rows.query(&query).await?;
                next = after;
                let due = rows
                    .iter()
                    .map(|row| self.event_of(row))
                    .collect::<Result<Vec<_>, _>>()?;
                if due.is_empty() {
                    continue;
                }
                let results = orchestrator.wake(&due).await;
                let woken = results.iter().filter(|result| result.is_ok()).count();
                swept.woken += woken;
                swept.failed += due.len() - woken;
            }
        }
        Ok(swept)
    }

    /// The sagas that need a person's attention, at most `most`; first those that still try something by themselves.
    ///
    /// # Errors
    /// When the table does not answer, or a row is not valid.
    pub async fn needing_attention(&self, most: usize) -> Result<Vec<DueSaga>, SagaError> {
        let mut found = Vec::new();
        let mut next = Some(self.of_status(Status::NeedsAttention));
        while let Some(query) = next.filter(|_| found.len() < most) {
            let page = self.rows.query(&query).await?;
            next = page.next;
            for row in page.rows.iter().take(most - found.len()) {
                found.push(DueSaga::of(row)?);
            }
        }
        Ok(found)
    }

    fn of_status(&self, status: Status) -> Query {
        let query = self.table.query("status", status.as_str());
        query.on_index(self.index.as_str(), "deadline").rows_max(PAGE_ROWS)
    }

    fn event_of(&self, row: &Item) -> Result<Event<SagaDeadlineReached>, SagaError> {
        let due = DueSaga::of(row)?;
        let mut of_deadline = format!("deadline/{}", due.version);
        if is_on(Mutant::DeadlineIdWithoutVersion) {
            of_deadline.truncate("deadline".len());
        }
        let id = EventId::of_foreign(&due.saga.to_string(), &of_deadline);
        let payload = SagaDeadlineReached {
            version: due.version,
            deadline: due.deadline.to_string(),
        };
        let metadata = Metadata::caused_by(due.correlation_id, id.to_string());
        let event = Event::new(due.saga, payload, &self.environment);
        Ok(event.with_id(id).with_metadata(metadata))
    }
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
