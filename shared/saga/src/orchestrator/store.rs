use std::sync::Arc;

use onecommit_engine::{Commit, Condition, FirstTries, Table, TableReader};
use onecommit_environment::{Environment, TRACES, Timestamp};
use onecommit_event::{Aggregate, Event, EventId, NewEvent, shown_name};
use tracing::info;

use crate::cache::Cache;
use crate::cancellation::EarlyCancellation;
use crate::error::SagaError;
use crate::row::SagaRow;
use crate::transition::{Cause, Transition};

/// What is known of a saga.
pub(crate) enum Found {
    Nothing,
    /// It was cancelled, and has not started.
    Cancelled(EarlyCancellation),
    Saga(Arc<SagaRow>),
}

/// Reads sagas' rows, and says how their next ones are written.
pub(crate) struct Store {
    table: Table,
    rows: Arc<dyn TableReader>,
    environment: Environment,
    cache: Cache,
    tried: FirstTries,
}

impl Store {
    pub(crate) fn new(
        table: Table,
        rows: Arc<dyn TableReader>,
        environment: Environment,
        remembered_max: usize,
    ) -> Self {
        Self {
            table,
            rows,
            environment,
            cache: Cache::of(remembered_max),
            tried: FirstTries::default(),
        }
    }

    /// Whether an event tries to start something here for the first time.
    pub(crate) fn is_first_try(&self, id: EventId) -> bool {
        self.tried.is_first(id)
    }

    /// The row as remembered, if it is still the one that is expected; otherwise as it is in the table.
    ///
    /// Whoever expects something makes sure that it holds of the newest row only: then what is remembered is either right,
    /// or the condition on its revision fails and the handler runs again - and no longer finds it here, because each
    /// transition replaces it by its outcome.
    pub(crate) async fn row(
        &self,
        saga: &Aggregate,
        is_expected: impl Fn(&SagaRow) -> bool,
    ) -> Result<Option<Arc<SagaRow>>, SagaError> {
        if let Some(row) = self.cache.get(saga).filter(|row| is_expected(row)) {
            return Ok(Some(row));
        }
        Ok(match self.found(saga).await? {
            Found::Saga(row) => Some(row),
            Found::Cancelled(_) | Found::Nothing => None,
        })
    }

    /// What is in the table.
    pub(crate) async fn found(&self, saga: &Aggregate) -> Result<Found, SagaError> {
        let Some(item) = self.rows.get(&self.table, &SagaRow::key(saga)).await? else {
            return Ok(Found::Nothing);
        };
        Ok(match EarlyCancellation::in_item(&item)? {
            Some(cancellation) => Found::Cancelled(cancellation),
            None => Found::Saga(Arc::new(SagaRow::from_item(&item)?)),
        })
    }

    /// The commit, and a cancellation that waits for its saga.
    pub(crate) fn with_cancellation(
        &self,
        commit: Commit,
        saga: &Aggregate,
        cancellation: &EarlyCancellation,
    ) -> Result<Commit, SagaError> {
        let put = self.table.put(SagaRow::key(saga), cancellation.to_item(saga)?);
        Ok(commit.with(put.only_if_absent()))
    }

    /// What causes a transition now.
    pub(crate) fn cause<P>(&self, event: &Event<P>, detail: Option<String>) -> Cause {
        Cause {
            event_id: event.id(),
            by: event.metadata().user_id.clone(),
            detail,
            now: self.now(),
            revision: self.revision(),
        }
    }

    /// The mark of a row that is about to be written.
    pub(crate) fn revision(&self) -> String {
        self.environment.ids().next().to_string()
    }

    /// Now, in whole milliseconds.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.environment.clock().now().unix_ms())
    }

    /// The commit, and a transition in it: from the row of this revision, or from none.
    pub(crate) fn with(&self, commit: Commit, from: Option<&str>, transition: Transition) -> Result<Commit, SagaError> {
        let Transition { row, commands } = transition;
        trace(&row, &commands);
        let put = self.table.put(SagaRow::key(&row.saga), row.to_item()?);
        let put = match from {
            None => put.only_if_absent(),
            Some(revision) => put.only_if(Condition::equals("revision", revision)),
        };
        let commit = commit.with(put);
        let before = row.stream_version - commands.len() as u64;
        let stream = row.saga.clone();
        self.cache.put(Arc::new(row));
        if commands.is_empty() {
            return Ok(commit);
        }
        Ok(commit.append(stream, before, commands))
    }
}

/// Notes a transition on the span of the message that causes it.
fn trace(row: &SagaRow, commands: &[NewEvent]) {
    let step = row.journal.entries.last().and_then(|entry| entry.step.as_deref());
    info!(
        target: TRACES,
        {
            saga.id = shown_name(&row.saga.to_string()),
            saga.status = ?row.status,
            saga.version = row.version,
            saga.step = step,
            saga.deadline = row.deadline.filter(|_| !row.status.is_end()).map(|deadline| deadline.to_string()),
            saga.commands = commands.iter().map(NewEvent::event_type).collect::<Vec<_>>().join(", "),
        },
        "saga transition"
    );
}
