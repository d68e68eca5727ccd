//! Bugs of what is read.

use std::sync::Arc;

use async_trait::async_trait;
use onecommit_commit::{DatabaseError, Page, Query, Rows};
use onecommit_testing::simulation::{EVENTS, Sabotage, SimulatedTables};

use super::bug::Bug;

pub(super) const BUGS: &[Bug] = &[Bug::sabotage(
    "first-page-only",
    "A decision rests on the past: of a long stream only the first page is read.",
    |_| Arc::new(FirstPageOnly),
)];

/// Whoever reads the events table, the relay included.
struct FirstPageOnly;

#[async_trait]
impl Sabotage for FirstPageOnly {
    async fn query(&self, tables: &SimulatedTables, query: &Query) -> Result<Page, DatabaseError> {
        let mut page = tables.query(query).await?;
        if query.table().name() == EVENTS {
            page.next = None;
        }
        Ok(page)
    }
}
