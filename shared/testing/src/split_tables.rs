use async_trait::async_trait;
use onecommit_engine::{
    DatabaseError, Item, Key, Page, Query, Scan, Table, TableReader, TableWriter, Transaction, Write,
};

/// Tables that are written through one port and read through another: a writer that loses its answers beside a sound
/// reader, or the other way round.
#[derive(Clone, Debug)]
pub struct SplitTables<W, R> {
    /// What writes go to.
    pub writer: W,
    /// What answers reads.
    pub reader: R,
}

#[async_trait]
impl<W: TableWriter, R: Send + Sync> TableWriter for SplitTables<W, R> {
    async fn transact(&self, transaction: &Transaction) -> Result<(), DatabaseError> {
        self.writer.transact(transaction).await
    }

    async fn write(&self, write: &Write) -> Result<(), DatabaseError> {
        self.writer.write(write).await
    }
}

#[async_trait]
impl<W: Send + Sync, R: TableReader> TableReader for SplitTables<W, R> {
    async fn get(&self, table: &Table, key: &Key) -> Result<Option<Item>, DatabaseError> {
        self.reader.get(table, key).await
    }

    async fn get_eventually(&self, table: &Table, key: &Key) -> Result<Option<Item>, DatabaseError> {
        self.reader.get_eventually(table, key).await
    }

    async fn get_many(&self, table: &Table, keys: &[Key]) -> Result<Vec<Option<Item>>, DatabaseError> {
        self.reader.get_many(table, keys).await
    }

    async fn query(&self, query: &Query) -> Result<Page, DatabaseError> {
        self.reader.query(query).await
    }

    async fn scan(&self, scan: &Scan) -> Result<Page<Scan>, DatabaseError> {
        self.reader.scan(scan).await
    }
}
