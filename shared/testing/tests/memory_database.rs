//! The tables in memory do as DynamoDB does.

use async_trait::async_trait;
use onecommit_engine::{Item, PendingMarks, Table, TableReader, TableWriter};
use onecommit_testing::MemoryDatabase;
use onecommit_testing::conformance::{self, DatabaseUnderTest};

struct Memory(MemoryDatabase);

#[async_trait]
impl DatabaseUnderTest for Memory {
    fn database(&self) -> &dyn TableWriter {
        &self.0
    }
    fn rows(&self) -> &dyn TableReader {
        &self.0
    }
    fn marks(&self) -> &dyn PendingMarks {
        &self.0
    }
    fn streams(&self) -> Table {
        Table::new("streams")
    }
    fn tables(&self) -> [Table; 2] {
        ["one", "two"].map(Table::new)
    }
    async fn row(&self, table: &Table, pk: &str) -> Option<Item> {
        self.0.row(table.name(), &[pk])
    }
}

#[tokio::test]
async fn tables_in_memory_meet_the_contract_of_a_database() {
    conformance::database(&Memory(MemoryDatabase::default().without_table("no-such-table"))).await;
}

#[tokio::test]
async fn tables_in_memory_have_the_limits_of_dynamodb() {
    conformance::limits(&Memory(MemoryDatabase::default()), &[]).await;
}
