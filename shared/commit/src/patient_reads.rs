use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use onecommit_environment::Environment;

use crate::backoff::Backoff;
use crate::database::{Database, DatabaseError};
use crate::rows::{Page, Query, Rows, Scan};
use crate::transaction::Transaction;
use crate::value::Item;
use crate::write::{Key, Table, Write};

/// How often a row is asked for in all.
const READS_MAX: u32 = 4;
const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(25),
    longest: Duration::from_millis(200),
};

/// A database that is asked again for what it does not give at once, for the reads of handlers.
///
/// A read that was throttled or got no answer would otherwise fail the handler. The message comes back, but that is a
/// delivery, of which a few in a row park it; and whoever reads five rows meets the trouble five times as often. A read is
/// repeated up to three times, after at most 25, 50 and 100 ms. Writes go through as they are: the engine repeats its
/// commits.
///
/// ```
/// # use std::sync::Arc;
/// # use onecommit_commit::{PatientReads, Rows};
/// # use onecommit_environment::Environment;
/// # fn wired(database: impl Rows + 'static) {
/// let rows: Arc<dyn Rows> = Arc::new(PatientReads::of(database, Environment::system()));
/// # }
/// ```
pub struct PatientReads<D> {
    database: D,
    environment: Environment,
}

impl<D> PatientReads<D> {
    /// Asks `database` again, after a while by the clock of `environment`.
    #[must_use]
    pub fn of(database: D, environment: Environment) -> Self {
        Self { database, environment }
    }

    async fn patiently<T, F: Future<Output = Result<T, DatabaseError>>>(
        &self,
        read: impl Fn() -> F,
    ) -> Result<T, DatabaseError> {
        let mut failures = 0;
        loop {
            match read().await {
                Err(DatabaseError::Transient(..)) if failures + 1 < READS_MAX => failures += 1,
                answer => return answer,
            }
            let wait = BACKOFF.after(failures, self.environment.random());
            self.environment.clock().sleep(wait).await;
        }
    }
}

#[async_trait]
impl<D: Rows> Rows for PatientReads<D> {
    async fn get(&self, table: &Table, key: &Key) -> Result<Option<Item>, DatabaseError> {
        self.patiently(|| self.database.get(table, key)).await
    }

    async fn query(&self, query: &Query) -> Result<Page, DatabaseError> {
        self.patiently(|| self.database.query(query)).await
    }

    async fn scan(&self, scan: &Scan) -> Result<Page<Scan>, DatabaseError> {
        self.patiently(|| self.database.scan(scan)).await
    }
}

#[async_trait]
impl<D: Database> Database for PatientReads<D> {
    async fn transact(&self, transaction: &Transaction) -> Result<(), DatabaseError> {
        self.database.transact(transaction).await
    }

    async fn write(&self, write: &Write) -> Result<(), DatabaseError> {
        self.database.write(write).await
    }
}
