mod ask;
mod index;
mod list;
mod request;
mod show;

use std::sync::Arc;

use onecommit_engine::{Table, TableReader};
use onecommit_environment::Timestamp;
use onecommit_event::Aggregate;
use onecommit_saga::SagaRow;

pub(crate) use ask::{Asker, ask};
pub(crate) use index::index;
pub(crate) use list::list;
pub(crate) use request::Request;
pub(crate) use show::show;

use crate::process::Failure;

/// The sagas as the table has them.
pub(crate) struct Sagas {
    table: Table,
    rows: Arc<dyn TableReader>,
}

#[derive(Debug, thiserror::Error)]
#[error("there is no saga {0}; check how it is written, and SAGAS_TABLE_NAME")]
struct NoSaga(Aggregate);

impl Sagas {
    pub(crate) fn new(table: Table, rows: Arc<dyn TableReader>) -> Self {
        Self { table, rows }
    }

    async fn row(&self, saga: &Aggregate) -> Result<SagaRow, Failure> {
        let item = self.rows.get(&self.table, &SagaRow::key(saga)).await?;
        let item = item.ok_or_else(|| NoSaga(saga.clone()))?;
        Ok(SagaRow::from_item(&item)?)
    }
}

/// A deadline in the year 9999 stands for none: the saga waits for a person.
const WAITS_FOR_A_PERSON: &str = "9999-";

/// When a saga that has this deadline tries something by itself again.
fn next_try_at(deadline: Timestamp) -> Option<String> {
    Some(deadline.to_string()).filter(|text| !text.starts_with(WAITS_FOR_A_PERSON))
}

#[cfg(test)]
mod kit;
