use onecommit_engine::{Table, TableReader, TableWriter};
use onecommit_environment::Environment;
use onecommit_saga::index_older_sagas;
use serde::Serialize;

use crate::process::Failure;
use crate::terminal::Terminal;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    indexed: u64,
    failed: u64,
}

/// Puts sagas into the index that an earlier version wrote.
pub(crate) async fn index(
    tables: &(impl TableWriter + TableReader),
    table: &Table,
    environment: &Environment,
    terminal: &mut Terminal<'_>,
) -> Result<(), Failure> {
    let done = index_older_sagas(tables, table, environment).await?;
    let summary = Summary {
        indexed: done.indexed,
        failed: done.failed,
    };
    terminal.print(&summary, |output| {
        writeln!(output, "{} sagas were put into the index", summary.indexed)
    })?;
    if summary.failed > 0 {
        let failed = summary.failed;
        writeln!(
            terminal.notes,
            "{failed} were not; the log has the reason. Run the command again"
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use onecommit_engine::Transaction;
    use onecommit_saga::SagaRow;

    use super::*;
    use crate::commands::kit::Screen;
    use crate::commands::sagas::kit::{SAGAS, Trips, trip};

    #[tokio::test]
    async fn a_saga_of_an_earlier_version_is_indexed() {
        let trips = Trips::with_one_that_is_stuck().await;
        let table = Table::new(SAGAS);
        let older = table.update(SagaRow::key(&trip("1"))).remove("due");
        let transaction = Transaction {
            token: trips.environment().ids().next(),
            writes: vec![older.into()],
        };
        trips.tables().transact(&transaction).await.unwrap();
        assert!(trips.sweeper().needing_attention(1).await.unwrap().is_empty());
        let mut screen = Screen::default();
        let tables = trips.tables();
        index(tables, &table, trips.environment(), &mut screen.for_people())
            .await
            .unwrap();
        assert_eq!(screen.output(), "1 sagas were put into the index\n");
        assert_eq!(trips.sweeper().needing_attention(1).await.unwrap().len(), 1);
    }
}
