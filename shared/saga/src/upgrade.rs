//! Rows of earlier versions of this library, which are not in the index yet.

use onecommit_engine::{Condition, DatabaseError, Item, Table, TableReader, TableWriter, Transaction};
use onecommit_environment::Environment;
use tracing::{error, warn};

use crate::error::SagaError;
use crate::row::{DUE, SagaRow};

/// What became of the rows of earlier versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Indexed {
    /// Rows that are in the index now.
    pub indexed: u64,
    /// Rows that are not, because they are not valid or the table refused; the log names them. Run it again.
    pub failed: u64,
}

/// Puts sagas into the index that were written by versions of this library whose index had the key `status`.
///
/// It scans the table once. Sagas that have moved on meanwhile are left as they are: each transition puts its saga there
/// by itself. It can be run again at any time.
///
/// # Errors
/// When the table does not answer.
pub async fn index_older_sagas<D: TableWriter + TableReader + ?Sized>(
    database: &D,
    table: &Table,
    environment: &Environment,
) -> Result<Indexed, DatabaseError> {
    let mut result = Indexed::default();
    let mut next = Some(table.scan());
    while let Some(scan) = next {
        let page = database.scan(&scan).await?;
        next = page.next;
        for item in page.rows.iter().filter(|item| is_older(item)) {
            match index(database, table, environment, item).await {
                Ok(true) => result.indexed += 1,
                Ok(false) => {}
                Err(error) => {
                    error!(error = %error, "row of a saga could not be added to the index");
                    result.failed += 1;
                }
            }
        }
    }
    Ok(result)
}

fn is_older(item: &Item) -> bool {
    item.contains_key("deadline") && !item.contains_key(DUE)
}

/// Whether it is in the index by this.
async fn index<D: TableWriter + ?Sized>(
    database: &D,
    table: &Table,
    environment: &Environment,
    item: &Item,
) -> Result<bool, SagaError> {
    let row = SagaRow::from_item(item)?;
    let update = table
        .update(SagaRow::key(row.saga()))
        .set(DUE, row.due_key())
        .only_if(Condition::equals("revision", row.revision.as_str()));
    let transaction = Transaction {
        token: environment.ids().next(),
        writes: vec![update.into()],
    };
    match database.transact(&transaction).await {
        Ok(()) => Ok(true),
        Err(error @ DatabaseError::Cancelled(_)) => {
            warn!(saga = %row.saga(), error = %error, "saga changed while it was added to the index");
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}
