use std::future::Future;

use async_trait::async_trait;
use onecommit_environment::{Environment, RetryPolicy, Transient, retry};

use crate::event_log::{EventLog, PendingMarks};
use crate::retry_budget::RetryBudget;
use crate::table_reader::{Page, Query, Scan, TableReader};
use crate::table_writer::{DatabaseError, TableWriter};
use crate::transaction::Transaction;
use crate::value::Item;
use crate::write::{Key, Table, Write};

/// What a reader of a few rows can wait for: four requests, at most 175 ms apart in all.
const READS: RetryPolicy = RetryPolicy::new(4, 25, 200);

/// A database whose reads are repeated when they are throttled or unanswered.
///
/// The one place of a process that repeats reads: it stands around the database, and nothing above it - event store,
/// views, APIs, audits - reads twice. A read that was throttled or got no answer would otherwise fail the handler, and a
/// handler that reads five rows fails five times as often. A read is repeated up to three times, after at
/// most 25, 50 and 100 ms. Writes are passed on unchanged: the engine decides whether a commit may be sent again.
///
/// Repetitions have a budget per table, kept by this value: ten, and one more for five reads that succeed. So in an outage
/// a message that is tried makes one request for each read, as the engine, which decides which messages are tried then,
/// makes one for the commit. A process has one value of this type, shared by all that read: two have two budgets.
///
/// ```
/// # use std::sync::Arc;
/// # use onecommit_engine::{RetryingTables, TableReader};
/// # use onecommit_environment::{Environment, RetryPolicy, retry};
/// # fn wired(database: impl TableReader + 'static) {
/// let rows: Arc<dyn TableReader> = Arc::new(RetryingTables::of(database, Environment::system()));
/// # }
/// ```
pub struct RetryingTables<D> {
    database: D,
    environment: Environment,
    policy: RetryPolicy,
    /// None: as the policy says, each time.
    budget: Option<RetryBudget>,
}

/// An error of a read, and whether it is to be repeated.
enum Failed {
    Repeat(DatabaseError),
    Return(DatabaseError),
}

impl Transient for Failed {
    fn is_transient(&self) -> bool {
        matches!(self, Self::Repeat(_))
    }
}

impl<D> RetryingTables<D> {
    /// Repeats reads of `database`, with waits by the clock of `environment`.
    #[must_use]
    pub fn of(database: D, environment: Environment) -> Self {
        Self {
            database,
            environment,
            policy: READS,
            budget: Some(RetryBudget::default()),
        }
    }

    /// With another policy, and no budget: a program that reads whole tables, one page after the other, has more time than a
    /// handler, and nobody else repeats reads beside it.
    #[must_use]
    pub fn with(mut self, policy: RetryPolicy) -> Self {
        self.policy = policy;
        self.budget = None;
        self
    }

    async fn patiently<T, F: Future<Output = Result<T, DatabaseError>>>(
        &self,
        table: &Table,
        read: impl Fn() -> F,
    ) -> Result<T, DatabaseError> {
        let mut sent = 0;
        let answer = retry(&self.environment, self.policy, || {
            sent += 1;
            let is_last = sent >= self.policy.attempts_max;
            let answer = read();
            async move { answer.await.map_err(|error| self.judged(table, error, is_last)) }
        });
        match answer.await {
            Ok(found) => {
                self.budget.iter().for_each(|budget| budget.deposit(table));
                Ok(found)
            }
            Err(Failed::Repeat(error) | Failed::Return(error)) => Err(error),
        }
    }

    fn judged(&self, table: &Table, error: DatabaseError, is_last: bool) -> Failed {
        let is_paid_for = || self.budget.as_ref().is_none_or(|budget| budget.withdraw(table));
        if !is_last && error.is_transient() && is_paid_for() {
            Failed::Repeat(error)
        } else {
            Failed::Return(error)
        }
    }
}

#[async_trait]
impl<D: TableReader> TableReader for RetryingTables<D> {
    async fn get(&self, table: &Table, key: &Key) -> Result<Option<Item>, DatabaseError> {
        self.patiently(table, || self.database.get(table, key)).await
    }

    async fn get_eventually(&self, table: &Table, key: &Key) -> Result<Option<Item>, DatabaseError> {
        self.patiently(table, || self.database.get_eventually(table, key)).await
    }

    async fn get_all(&self, table: &Table, keys: &[Key]) -> Result<Vec<Option<Item>>, DatabaseError> {
        self.patiently(table, || self.database.get_all(table, keys)).await
    }

    async fn query(&self, query: &Query) -> Result<Page, DatabaseError> {
        self.patiently(query.table(), || self.database.query(query)).await
    }

    async fn scan(&self, scan: &Scan) -> Result<Page<Scan>, DatabaseError> {
        self.patiently(scan.table(), || self.database.scan(scan)).await
    }
}

#[async_trait]
impl<D: TableWriter> TableWriter for RetryingTables<D> {
    async fn transact(&self, transaction: &Transaction) -> Result<(), DatabaseError> {
        self.database.transact(transaction).await
    }

    async fn write(&self, write: &Write) -> Result<(), DatabaseError> {
        self.database.write(write).await
    }
}

#[async_trait]
impl<D: PendingMarks> PendingMarks for RetryingTables<D> {
    async fn clear(&self, log: &EventLog, events: &[(&str, u64)]) -> Result<(), DatabaseError> {
        self.database.clear(log, events).await
    }
}
