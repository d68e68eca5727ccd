use async_trait::async_trait;
use onecommit_environment::{Environment, RetryPolicy, retry_within};

use crate::retry_budgets::RetryBudgets;
use crate::table_reader::{Page, Query, Scan, TableReader};
use crate::table_writer::{DatabaseError, TableWriter};
use crate::transaction::Transaction;
use crate::value::Item;
use crate::write::{Key, Table, Write};

/// What a caller of an API waits for: four requests, at most 350 ms apart in all. API Gateway gives up after 29 s.
const WRITES: RetryPolicy = RetryPolicy::new(4, 50, 1_000);

/// A database whose writes are repeated when they are throttled or unanswered: for APIs and tasks, which have nobody above
/// them that would. The engine is given the database itself, since it decides which commits are sent again.
///
/// A write that was not answered may have taken effect. A transaction changes nothing the second time, by its token; a single
/// write has to be one that does not either, as a value that is set. Repetitions have a
/// [budget](onecommit_environment::RetryBudget) per table, so in an outage each further write is one request. Reads are passed
/// on unchanged.
pub struct RetryingWrites<D> {
    database: D,
    environment: Environment,
    budgets: RetryBudgets,
}

impl<D> RetryingWrites<D> {
    /// Repeats writes to `database`, with waits by the clock of `environment`.
    #[must_use]
    pub fn of(database: D, environment: Environment) -> Self {
        Self {
            database,
            budgets: RetryBudgets::new(environment.clone()),
            environment,
        }
    }
}

#[async_trait]
impl<D: TableWriter> TableWriter for RetryingWrites<D> {
    async fn transact(&self, transaction: &Transaction) -> Result<(), DatabaseError> {
        let nothing = Table::new("");
        let table = transaction.writes.first().map_or(&nothing, Write::table);
        let (environment, budget) = (&self.environment, self.budgets.of(table));
        retry_within(environment, WRITES, &budget, || self.database.transact(transaction)).await
    }

    async fn write(&self, write: &Write) -> Result<(), DatabaseError> {
        let (environment, budget) = (&self.environment, self.budgets.of(write.table()));
        retry_within(environment, WRITES, &budget, || self.database.write(write)).await
    }
}

#[async_trait]
impl<D: TableReader> TableReader for RetryingWrites<D> {
    async fn get(&self, table: &Table, key: &Key) -> Result<Option<Item>, DatabaseError> {
        self.database.get(table, key).await
    }

    async fn get_eventually(&self, table: &Table, key: &Key) -> Result<Option<Item>, DatabaseError> {
        self.database.get_eventually(table, key).await
    }

    async fn get_many(&self, table: &Table, keys: &[Key]) -> Result<Vec<Option<Item>>, DatabaseError> {
        self.database.get_many(table, keys).await
    }

    async fn query(&self, query: &Query) -> Result<Page, DatabaseError> {
        self.database.query(query).await
    }

    async fn scan(&self, scan: &Scan) -> Result<Page<Scan>, DatabaseError> {
        self.database.scan(scan).await
    }
}

impl<D> std::fmt::Debug for RetryingWrites<D> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("RetryingWrites").finish_non_exhaustive()
    }
}
