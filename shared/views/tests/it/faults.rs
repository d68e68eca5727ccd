//! Processes that die at a request, or never hear of it.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use onecommit_engine::{
    DatabaseError, Item, Key, Page, Query, Scan, Table, TableReader, TableWriter, Transaction, TransientKind, Write,
};
use onecommit_testing::MemoryDatabase;

/// What becomes of one request of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The process dies before it leaves.
    DiesBefore,
    /// It lands, and the process dies before the answer comes.
    DiesAfter,
    /// It lands, and the answer gets lost.
    AnswerLost,
}

/// A database to which one request of this process has a fault. After a death, nothing returns any more.
pub(crate) struct Faulty {
    database: Arc<MemoryDatabase>,
    number: u64,
    fault: Fault,
    requests: AtomicU64,
}

impl Faulty {
    /// The fault is with this request, 1 for the first.
    pub(crate) fn at(database: &Arc<MemoryDatabase>, number: u64, fault: Fault) -> Arc<Self> {
        Arc::new(Self {
            database: Arc::clone(database),
            number,
            fault,
            requests: AtomicU64::new(0),
        })
    }

    /// Whether it came to the request with the fault.
    pub(crate) fn happened(&self) -> bool {
        self.requests.load(Ordering::SeqCst) >= self.number
    }

    async fn request<T>(&self, request: impl Future<Output = Result<T, DatabaseError>>) -> Result<T, DatabaseError> {
        let number = self.requests.fetch_add(1, Ordering::SeqCst) + 1;
        if number != self.number {
            let died = number > self.number && self.fault != Fault::AnswerLost;
            return if died { pending().await } else { request.await };
        }
        if self.fault == Fault::DiesBefore {
            return pending().await;
        }
        let result = request.await;
        match self.fault {
            Fault::AnswerLost => result.and(Err(out_of_reach())),
            _ => pending().await,
        }
    }
}

#[async_trait]
impl TableWriter for Faulty {
    async fn transact(&self, transaction: &Transaction) -> Result<(), DatabaseError> {
        self.request(self.database.transact(transaction)).await
    }

    async fn write(&self, write: &Write) -> Result<(), DatabaseError> {
        self.request(self.database.write(write)).await
    }
}

#[async_trait]
impl TableReader for Faulty {
    async fn get(&self, table: &Table, key: &Key) -> Result<Option<Item>, DatabaseError> {
        self.request(self.database.get(table, key)).await
    }

    async fn query(&self, query: &Query) -> Result<Page, DatabaseError> {
        self.request(self.database.query(query)).await
    }

    async fn scan(&self, scan: &Scan) -> Result<Page<Scan>, DatabaseError> {
        self.request(self.database.scan(scan)).await
    }
}

pub(crate) fn out_of_reach() -> DatabaseError {
    DatabaseError::Transient(TransientKind::Unavailable, "no answer".into())
}
