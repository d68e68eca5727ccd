use std::io::{self, Write};

use onecommit_saga::{DueSaga, Sweeper};
use serde::Serialize;

use crate::cli::ListSagas;
use crate::process::Failure;
use crate::terminal::Terminal;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    saga: String,
    version: u64,
    /// When it tries something by itself again; none when it only waits.
    next_try_at: Option<String>,
    correlation_id: String,
}

const SAGA: &str = "SAGA";
const NOTHING: &str = "-";

/// Prints the sagas that need attention: a table for people, a line each for programs.
pub(crate) async fn list(sweeper: &Sweeper, arguments: &ListSagas, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
    let most = usize::try_from(arguments.most)?;
    let sagas: Vec<Listed> = sweeper
        .needing_attention(most)
        .await?
        .into_iter()
        .map(Listed::from)
        .collect();
    if terminal.json {
        for saga in &sagas {
            terminal.print(saga, |_| Ok(()))?;
        }
    } else {
        print_table(&sagas, &mut *terminal.output)?;
    }
    if sagas.len() == most {
        writeln!(terminal.notes, "there may be more; --most N prints up to N")?;
    }
    Ok(())
}

fn print_table(sagas: &[Listed], output: &mut dyn Write) -> io::Result<()> {
    if sagas.is_empty() {
        return writeln!(output, "no saga needs attention");
    }
    let width = sagas.iter().map(|listed| listed.saga.len()).max().unwrap_or_default();
    let width = width.max(SAGA.len());
    writeln!(output, "{SAGA:width$}  VERSION  NEXT TRY")?;
    for listed in sagas {
        let next_try = listed.next_try_at.as_deref().unwrap_or(NOTHING);
        writeln!(output, "{:width$}  {:<7}  {next_try}", listed.saga, listed.version)?;
    }
    Ok(())
}

impl From<DueSaga> for Listed {
    fn from(due: DueSaga) -> Self {
        Self {
            saga: due.saga.to_string(),
            version: due.version,
            next_try_at: super::next_try_at(due.deadline),
            correlation_id: due.correlation_id,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::commands::kit::Screen;
    use crate::commands::sagas::kit::Trips;

    const SOME: ListSagas = ListSagas { most: 10 };

    #[tokio::test]
    async fn a_saga_that_waits_for_a_person_is_listed() {
        let trips = Trips::with_one_that_is_stuck().await;
        let mut screen = Screen::default();
        list(&trips.sweeper(), &SOME, &mut screen.for_people()).await.unwrap();
        assert_eq!(
            screen.output(),
            "SAGA        VERSION  NEXT TRY\nTripSaga#1  4        -\n"
        );
        assert_eq!(screen.notes(), "");

        let mut screen = Screen::default();
        list(&trips.sweeper(), &SOME, &mut screen.for_programs()).await.unwrap();
        let listed: Value = serde_json::from_str(&screen.output()).unwrap();
        assert_eq!(
            (&listed["saga"], &listed["nextTryAt"]),
            (&json!("TripSaga#1"), &json!(null))
        );
    }

    #[tokio::test]
    async fn a_full_list_says_that_there_may_be_more() {
        let trips = Trips::with_one_that_is_stuck().await;
        let mut screen = Screen::default();
        let one = ListSagas { most: 1 };
        list(&trips.sweeper(), &one, &mut screen.for_people()).await.unwrap();
        assert!(screen.notes().contains("--most"));
    }

    #[tokio::test]
    async fn a_running_saga_is_not_listed() {
        let trips = Trips::with_one_that_has_begun().await;
        let mut screen = Screen::default();
        list(&trips.sweeper(), &SOME, &mut screen.for_people()).await.unwrap();
        assert_eq!(screen.output(), "no saga needs attention\n");
    }
}
